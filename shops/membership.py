"""Who works in a shop: changing roles, leaving, inviting and joining.

Panel, admin and commands call these; each locks the shop's row, so that two admins who click at
once cannot leave a shop without any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from shops.conf import conf
from shops.models import AuditEntry, Invitation, Membership, Role, Shop

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser, User

MAIL_TYPE = "system.invitation"
FIELD_LIMIT = 150  # characters of a first name, last name or user name


def name_of(user: AbstractUser) -> str:
    """The name somebody gave; their user name where they gave none."""
    return user.get_full_name() or user.get_username()


class CannotChange(Exception):
    """``str()`` says to staff why not."""


def set_role(membership: Membership, role: str, by: AbstractUser | AnonymousUser) -> str:
    """Gives a member another role; returns the one before. Raises ``CannotChange``."""
    with transaction.atomic():
        member = _locked(membership)
        before = member.role
        if before == role:
            return before
        if member.user_id == by.pk:
            raise CannotChange(_("Your own role can only be changed by another admin."))
        _keep_an_admin(member)
        member.role = role
        member.save(update_fields=["role"])
        AuditEntry.note(
            "member.role", shop=member.shop, user=by, target=member.user, before=before, after=role
        )
    return before


def remove(membership: Membership, by: AbstractUser | AnonymousUser, *, leaving: bool) -> None:
    """Takes a member out of the shop. Raises ``CannotChange``.

    ``leaving`` says that the member goes of their own accord: without it nobody removes
    themselves.
    """
    with transaction.atomic():
        member = _locked(membership)
        if member.user_id == by.pk and not leaving:
            raise CannotChange(_("This is you. Choose “Leave the shop” if you mean it."))
        _keep_an_admin(member)
        AuditEntry.note(
            "member.removed", shop=member.shop, user=by, target=member.user, role=member.role
        )
        member.delete()


def _locked(membership: Membership) -> Membership:
    """The membership as it is now, under the lock of its shop."""
    Shop.objects.select_for_update().get(pk=membership.shop_id)
    found = Membership.objects.select_related("user", "shop").filter(pk=membership.pk).first()
    if found is None:
        raise CannotChange(_("This person is no longer in the shop."))
    return found


def _keep_an_admin(member: Membership) -> None:
    others = Membership.objects.filter(
        shop=member.shop_id, role=Role.ADMIN, user__is_active=True
    ).exclude(pk=member.pk)
    if member.role == Role.ADMIN and not others.exists():
        raise CannotChange(
            _("The shop needs at least one admin. Make somebody else an admin first.")
        )


def invite(shop: Shop, email: str, role: str, by: User | None) -> tuple[Invitation, str]:
    """Asks ``email`` in and mails the link, in the language that is active now.

    Returns the invitation and the link. An older open one for the address stops working.
    Raises ``CannotChange`` for somebody who is a member already.
    """
    if Membership.objects.filter(shop=shop, user__email__iexact=email).exists():
        raise CannotChange(_("%(email)s is in this shop already.") % {"email": email})
    with transaction.atomic():
        invitation, token = Invitation.issue(shop, email, role, by)
        link = f"{conf.PUBLIC_URL}{reverse('invitation:accept', args=[token])}"
        send_invitation(invitation, link)
        AuditEntry.note("member.invited", shop=shop, user=by, target=email, role=role)
    return invitation, link


def send_invitation(invitation: Invitation, link: str) -> None:
    """Mails the link. The log shows that it went out, and never the link itself."""
    by = invitation.invited_by
    context = {
        "shop": invitation.shop,
        "link": link,
        "role": Role(invitation.role).label,
        "inviter": name_of(by) if by else "",
        "expires_at": invitation.shop.local(invitation.expires_at),
    }
    subject = render_to_string("shops/mail/invitation.subject.txt", context)
    mail = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=render_to_string("shops/mail/invitation.txt", context),
        to=[invitation.email],
        headers={"X-Postroom-Type": MAIL_TYPE},
    )
    mail.attach_alternative(render_to_string("shops/mail/invitation.html", context), "text/html")
    mail.send()


def withdraw(invitation: Invitation, by: AbstractUser | AnonymousUser) -> None:
    """The link stops working."""
    with transaction.atomic():
        AuditEntry.note(
            "member.invitation_withdrawn", shop=invitation.shop, user=by, target=invitation.email
        )
        invitation.delete()


def account_of(email: str) -> AbstractUser | None:
    """Whose address this is; also somebody whose account was switched off."""
    return get_user_model().objects.filter(email__iexact=email).order_by("pk").first()


def sign_up(invitation: Invitation, name: str, password: str) -> User:
    """A new person with the invited address, member of the shop. Raises ``CannotChange``."""
    first, _space, last = " ".join(name.split()).partition(" ")
    with transaction.atomic():
        if account_of(invitation.email):
            raise CannotChange(_("There is an account with this address: please sign in."))
        user = get_user_model().objects.create_user(
            username=_free_name(invitation.email),
            email=invitation.email,
            password=password,
            first_name=first[:FIELD_LIMIT],
            last_name=last[:FIELD_LIMIT],
        )
        join(invitation, user)
    return user


def _free_name(email: str) -> str:
    """The address itself, or with a number where another account has taken it for its name."""
    stem, number = email[: FIELD_LIMIT - 8], 1
    name = stem
    while get_user_model().objects.filter(username=name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def join(invitation: Invitation, user: AbstractUser) -> Membership:
    """Uses up the invitation; a member who has a higher role keeps it. Raises ``CannotChange``."""
    with transaction.atomic():
        taken = Invitation.objects.filter(
            pk=invitation.pk, accepted_at=None, expires_at__gt=timezone.now()
        ).update(accepted_at=timezone.now())
        if not taken:
            raise CannotChange(_("This invitation was used already or has ended."))
        membership, created = Membership.objects.get_or_create(
            shop=invitation.shop, user_id=user.pk, defaults={"role": invitation.role}
        )
        if not created and not Role(membership.role).covers(invitation.role):
            membership.role = invitation.role
            membership.save(update_fields=["role"])
        AuditEntry.note(
            "member.joined", shop=invitation.shop, user=user, target=user, role=membership.role
        )
    return membership


def login_backend() -> str:
    """The backend to sign somebody in with who has just proved who they are."""
    return str(settings.AUTHENTICATION_BACKENDS[0])
