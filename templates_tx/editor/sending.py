"""“Send me exactly this”: what the preview shows, queued to the one who is writing it."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import AbstractUser
from django.utils import timezone
from django.utils.translation import gettext as _

from maillog.models import MailMessage
from maillog.outbox import Draft, Recipient, queue
from maillog.registry import Body
from maillog.states import Channel
from shops.addresses import is_usable
from shops.uuid7 import lowest_at
from templates_tx.composer import traits
from templates_tx.editor.desk import person_name
from templates_tx.editor.previewing import Setting, examine
from templates_tx.files import files_for
from templates_tx.problems import Sources

WITHIN = timedelta(minutes=10)
MOST = 20  # to one person within that time


class CannotSend(Exception):
    """``str()`` says to staff why not."""


def send_to(user: AbstractUser, sources: Sources, setting: Setting) -> MailMessage:
    """Queues the mail as it is, subject too. Raises ``CannotSend``."""
    desk, plan = setting.desk, setting.plan
    if not is_usable(user.email):
        raise CannotSend(_("Your user has no e-mail address: enter one in your settings first."))
    if plan.account is None:
        raise CannotSend(_("The shop has no account to send from yet."))
    if _sent_lately(setting, user.email) >= MOST:
        raise CannotSend(_("That were many in a short time. Wait ten minutes."))
    _problems, mail = examine(sources, setting)
    if mail is None:
        raise CannotSend(_("Not sent: there is an error in the words. It is named below."))
    message = queue(
        Draft(
            **traits(desk.type),
            shop=desk.shop,
            account=plan.account,
            recipients=(Recipient(user.email, person_name(user)),),
            once=False,
            subject=mail.subject,
            body=Body(html=mail.html, text=mail.text),
            language=desk.language,
            reply_to=plan.reply_to,
            files=files_for(desk.shop, desk.type.code, desk.language) if plan.has_files else (),
            is_test=True,
        )
    )
    assert message is not None, "what may be said each time has no key"
    return message


def _sent_lately(setting: Setting, address: str) -> int:
    recent = MailMessage.objects.for_shop(setting.desk.shop).filter(
        id__gte=lowest_at(timezone.now() - WITHIN), channel=Channel.EMAIL
    )
    return recent.filter(is_test=True, to_text=address).count()
