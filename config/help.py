"""The help page: questions that staff ask, and whom to ask what it does not answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from config.panel import shop_url
from mailaccounts.presets import OTHER_HINT, TIP_OWN_MAILBOX
from shops.conf import conf
from shops.scope import ShopScoped

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LINKABLE = ("https", "http", "mailto", "tel")


@dataclass(frozen=True, slots=True)
class Question:
    """``answer`` are paragraphs; ``part`` is a template that is shown after them. ``page`` is the
    URL name of the screen that it speaks of, ``page_label`` what leads there."""

    key: str
    text: StrOrPromise
    answer: tuple[StrOrPromise, ...]
    part: str = ""
    page: str = ""
    page_label: StrOrPromise = ""


@dataclass(frozen=True, slots=True)
class Topic:
    key: str
    title: StrOrPromise
    questions: tuple[Question, ...]


TOPICS = (
    Topic(
        "begin",
        _("First steps"),
        (
            Question(
                "first",
                _("Where do I begin?"),
                (
                    _(
                        "Add an e-mail account, test it, and place an order of your own: its "
                        "confirmation appears in the e-mail log. The overview shows the steps that "
                        "are still open."
                    ),
                    _(
                        "A new shop can send at once, from the default account of this "
                        "installation. Customers trust your own address more, so add an account "
                        "before real orders come."
                    ),
                ),
                page="mailaccounts:account_pick",
                page_label=_("Add e-mail account"),
            ),
            Question(
                "mailbox",
                _("Does Postroom keep mailboxes? Where do answers arrive?"),
                (
                    _(
                        "No. Postroom sends mail; it does not receive it and keeps no mailboxes. "
                        "The mailbox stays with your hoster, and you read it as before."
                    ),
                    _(
                        "Customers’ answers go to the sender’s address, or to the address under "
                        "“answers go to” on the account."
                    ),
                ),
            ),
            Question(
                "own-mailbox",
                _("Which address should the shop send from?"),
                (
                    TIP_OWN_MAILBOX,
                    _(
                        "Choose an address on the shop’s own domain, such as "
                        "shop@your-domain.com. Customers trust it more than one at Gmail or "
                        "another free mailbox, and so do mailbox providers."
                    ),
                ),
            ),
        ),
    ),
    Topic(
        "accounts",
        _("E-mail accounts"),
        (
            Question(
                "two",
                _("Why would I have two accounts? What does “Main” mean?"),
                (
                    _(
                        "One account is the main one: every message leaves from it unless another "
                        "account is chosen for it under Transactional messages."
                    ),
                    _(
                        "Two are useful when orders leave from orders@ and invoices from "
                        "accounting@, or when one mailbox has a daily limit. If you make another "
                        "account the main one, the one before stays and keeps what it was chosen "
                        "for."
                    ),
                ),
                page="mailaccounts:accounts",
                page_label=_("E-mail and SMS accounts"),
            ),
            Question(
                "types",
                _("Which type of account do I choose?"),
                (
                    _(
                        "You have a mailbox at a hoster: “Another server over SMTP”. The mailbox "
                        "is at Google or Microsoft: choose these, and sign in there instead of "
                        "typing a password. You pay a service such as FreshMail, Brevo or "
                        "Postmark: choose it and enter its key. “From this server” needs no "
                        "password, but your domain must name this server in its SPF record."
                    ),
                ),
            ),
            Question(
                "hoster",
                _("My hoster is not in the list. What do I enter?"),
                (OTHER_HINT,),
            ),
            Question(
                "gmail",
                _("How do I set up Gmail?"),
                (
                    _(
                        "Signing in with Google is the simplest: choose the type Google. With a "
                        "password it works like this:"
                    ),
                ),
                part="mailaccounts/parts/guide_gmail.html",
            ),
            Question(
                "gmail-limit",
                _("How much may I send through Gmail?"),
                (
                    _(
                        "Free mailboxes are made for people, not for shops. We begin with 100 "
                        "messages in 24 hours; what is above that waits and leaves by itself, the "
                        "most important first. You can raise the limit on the account, to 500 at "
                        "most; above it Google blocks the mailbox for a day. A Google Workspace "
                        "sends 2,000."
                    ),
                ),
            ),
            Question(
                "microsoft",
                _("What changes at Microsoft in December 2026?"),
                (),
                part="mailaccounts/parts/guide_microsoft.html",
            ),
            Question(
                "paused",
                _("An account is paused. Is mail lost?"),
                (
                    _(
                        "No. Everything waits. If the server did not answer, we try again by "
                        "ourselves, every minute at first and every hour later. If it refuses the "
                        "password, we stop, because each further try may lock the mailbox: enter "
                        "the present password and save, and what waits is sent."
                    ),
                ),
                page="mailaccounts:accounts",
                page_label=_("E-mail and SMS accounts"),
            ),
            Question(
                "copy",
                _("What does “Direct a copy of every sent message” do?"),
                (
                    _(
                        "Each address you enter there gets its own copy of every message that "
                        "leaves from the account; customers do not see it. Messages with passwords "
                        "or sign-in links are not copied. Copies count towards the limit of the "
                        "mailbox. FreshMail takes no copies."
                    ),
                ),
            ),
            Question(
                "imap",
                _("What does IMAP synchronisation do?"),
                (
                    _(
                        "It files what was sent in the “Sent” folder of your mailbox, so that you "
                        "find it in your mail program too. If that fails, the sending is not "
                        "touched: it is filed later, once. Google and Microsoft file it by "
                        "themselves."
                    ),
                ),
            ),
            Question(
                "password",
                _("Who can see the passwords that I enter?"),
                (
                    _(
                        "Nobody, you included: a password can be replaced, not read. It belongs "
                        "to the server and the user name it was entered for; when one of these is "
                        "changed it has to be entered again."
                    ),
                ),
            ),
        ),
    ),
    Topic(
        "domain",
        _("SPF, DKIM and DMARC"),
        (
            Question(
                "spf",
                _("What is SPF?"),
                (
                    _(
                        "A line in your domain’s DNS that names the servers which may send mail "
                        "for it. Without the right line, mail from your shop looks forged and "
                        "lands in spam. We read it and show the exact line to enter; there must "
                        "be only one such line."
                    ),
                ),
                page="mailaccounts:domains",
                page_label=_("Domains"),
            ),
            Question(
                "dkim",
                _("What are DKIM and DMARC?"),
                (
                    _(
                        "DKIM is a signature on each message, checked against a key in your DNS. "
                        "DMARC says what receivers should do with mail that has neither: nothing, "
                        "spam, or refuse. Large providers ask for all three."
                    ),
                ),
            ),
            Question(
                "technician",
                _("I do not know what to do with these records."),
                (
                    _(
                        "Whoever looks after your domain does: “Send this to my technician” on "
                        "the domain’s page mails the records in plain words, with a link that "
                        "needs no sign-in and shows no password."
                    ),
                ),
            ),
        ),
    ),
    Topic(
        "log",
        _("What became of a message"),
        (
            Question(
                "accepted",
                _("What does “Accepted” mean?"),
                (
                    _(
                        "The customer’s mail server has taken the message. That is all a sender "
                        "can know for sure: whether it was read, or sorted into spam, happens "
                        "there. If it comes back later, the log shows it as bounced."
                    ),
                ),
                page="maillog:log",
                page_label=_("E-mail log"),
            ),
            Question(
                "perhaps",
                _("What does “Perhaps sent” mean?"),
                (
                    _(
                        "The message was handed over, and the connection broke before the server "
                        "confirmed it. It may have arrived or not, and nobody can find out. "
                        "Important messages are repeated once, marked as possibly a second copy; "
                        "for others you decide in the log: send again, or leave it."
                    ),
                ),
            ),
            Question(
                "held",
                _("Why is a message held?"),
                (
                    _(
                        "It says so in the log: test mode waits for approval, the shop has no "
                        "account to send from, or its limit is used up. Nothing leaves until "
                        "somebody decides."
                    ),
                ),
            ),
            Question(
                "generation-failure",
                _("What is a generation failure?"),
                (
                    _(
                        "The text of a message could not be made, mostly because a template names "
                        "a value that does not exist. The order itself is safe, and nobody has got "
                        "a broken message. The log names part and line. Mend the template; then "
                        "one button sends everything that waited for it."
                    ),
                ),
            ),
            Question(
                "suppressed",
                _("Why is an address not written to?"),
                (
                    _(
                        "Its server said that the mailbox does not exist, or the customer marked "
                        "our mail as spam. Writing on would harm the delivery of all other mail."
                    ),
                ),
            ),
            Question(
                "twice",
                _("Can a customer get the same message twice?"),
                (
                    _(
                        "Not by a second click or a restart: what was said for an order is "
                        "written down, and said once. Only after “Perhaps sent” a second copy is "
                        "possible."
                    ),
                ),
            ),
        ),
    ),
)


class Help(ShopScoped, TemplateView):
    template_name = "panel/help.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        names = {each.page for topic in TOPICS for each in topic.questions if each.page}
        return {
            **super().get_context_data(**kwargs),
            "topics": TOPICS,
            "urls": {name: shop_url(name, self.shop) for name in names},
            "support_url": conf.SUPPORT_URL,
            "support_is_link": urlsplit(conf.SUPPORT_URL).scheme in LINKABLE,
        }
