from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from maillog.models import MailMessage
from shops import membership
from shops.membership import CannotChange
from shops.models import AuditEntry, Invitation, Membership, Role
from shops.models.people import token_digest
from tests import factories

HTMX = {"HX-Request": "true"}
STRONG = "Zielony-Rower-77"


def url(shop, name="members", **kwargs):
    return reverse(f"shops:{name}", kwargs={"shop": shop.slug, **kwargs})


def toasts(answer):
    return [str(each) for each in get_messages(answer.wsgi_request)]


def member_of(shop, user):
    return Membership.objects.get(shop=shop, user=user)


def invite(client, shop, email="ola@rowerownia.example", role=Role.SENDER):
    return client.post(url(shop, "invite"), {"email": email, "role": role})


def mailed_link():
    """The path of the link in the last mail."""
    found = re.search(r"http://localhost:8000(/invitation/\S+/)", mail.outbox[-1].body)
    assert found, mail.outbox[-1].body
    return found[1]


# Members


def test_it_lists_this_shops_people_only(shop, owner_client, owner, colleague, stranger):
    page = owner_client.get(url(shop))
    assert [each.user for each in page.context["members"]] == [owner, colleague]
    assert stranger.email not in page.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SENDER, Role.EDITOR, Role.ACCOUNTS])
def test_only_admins_see_and_change_people(shop, client, owner, role):
    client.force_login(factories.make_user(shop, role))
    pk = member_of(shop, owner).pk
    assert client.get(url(shop)).status_code == 403
    assert invite(client, shop).status_code == 403
    assert client.post(url(shop, "member_remove", pk=pk)).status_code == 403
    assert client.post(url(shop, "member_role", pk=pk), {"role": "viewer"}).status_code == 403
    assert member_of(shop, owner).role == Role.ADMIN


def test_a_role_saves_at_once_and_offers_undo(shop, owner_client, colleague):
    member = member_of(shop, colleague)
    address = url(shop, "member_role", pk=member.pk)
    answer = owner_client.post(address, {"role": "editor"}, headers=HTMX)
    member.refresh_from_db()
    assert member.role == Role.EDITOR
    toast = json.loads(answer["HX-Trigger"])["postroom:toast"]
    assert toast["level"] == "ok"
    assert answer.text.lstrip().startswith(f'<tr id="member-{member.pk}"')
    assert '<option value="editor" selected>' in answer.text
    assert owner_client.post(toast["undo"]).status_code == 302
    member.refresh_from_db()
    assert member.role == Role.VIEWER
    audited = AuditEntry.objects.filter(action="member.role").values_list("details", flat=True)
    changes = [(each["before"], each["after"]) for each in audited]
    assert ("viewer", "editor") in changes


def test_a_role_that_does_not_exist_is_refused(shop, owner_client, colleague):
    member = member_of(shop, colleague)
    for data in ({"role": "king"}, {}):
        answer = owner_client.post(url(shop, "member_role", pk=member.pk), data, headers=HTMX)
        assert json.loads(answer["HX-Trigger"])["postroom:toast"]["level"] == "bad"
    member.refresh_from_db()
    assert member.role == Role.VIEWER


def test_nobody_changes_their_own_role(shop, owner_client, owner):
    factories.make_user(shop, Role.ADMIN)
    member = member_of(shop, owner)
    answer = owner_client.post(url(shop, "member_role", pk=member.pk), {"role": "viewer"})
    assert "Your own role" in toasts(answer)[0]
    assert member_of(shop, owner).role == Role.ADMIN


def test_the_last_admin_keeps_the_role_even_against_an_operator(shop, client, owner, operator):
    client.force_login(operator)
    pk = member_of(shop, owner).pk
    answer = client.post(url(shop, "member_role", pk=pk), {"role": "viewer"})
    assert "at least one admin" in toasts(answer)[0]
    answer = client.post(url(shop, "member_remove", pk=pk))
    assert "at least one admin" in toasts(answer)[-1]
    assert member_of(shop, owner).role == Role.ADMIN


def test_an_admin_who_was_switched_off_does_not_count(shop, owner, operator):
    factories.make_user(shop, Role.ADMIN, is_active=False)
    with pytest.raises(CannotChange):
        membership.set_role(member_of(shop, owner), Role.VIEWER, operator)


def test_a_member_is_removed_and_it_is_written_down(shop, owner_client, owner, colleague):
    answer = owner_client.post(url(shop, "member_remove", pk=member_of(shop, colleague).pk))
    assert answer.status_code == 302
    assert not Membership.objects.filter(user=colleague).exists()
    assert User.objects.filter(pk=colleague.pk).exists()
    entry = AuditEntry.objects.get(action="member.removed")
    assert (entry.user, entry.target) == (owner, str(colleague))


def test_nobody_removes_themselves_by_accident(shop, owner_client, owner):
    factories.make_user(shop, Role.ADMIN)
    address = url(shop, "member_remove", pk=member_of(shop, owner).pk)
    assert "This is you." in toasts(owner_client.post(address))[0]
    assert member_of(shop, owner)
    assert owner_client.post(address, {"leave": "yes"}).headers["Location"] == "/"
    assert not Membership.objects.filter(user=owner).exists()


def test_people_of_another_shop_cannot_be_touched(shop, other_shop, owner_client, stranger):
    foreign = member_of(other_shop, stranger)
    other = Invitation.issue(other_shop, "x@y.example", Role.ADMIN, stranger)[0]
    assert owner_client.post(url(shop, "member_remove", pk=foreign.pk)).status_code == 404
    data = {"role": "viewer"}
    assert owner_client.post(url(shop, "member_role", pk=foreign.pk), data).status_code == 404
    for name in ("invitation_withdraw", "invitation_again"):
        assert owner_client.post(url(shop, name, pk=other.pk)).status_code == 404
    assert Invitation.objects.filter(pk=other.pk).exists()


# Inviting


def test_an_invitation_is_mailed_with_a_link_that_is_not_kept(shop, owner_client, owner):
    assert invite(owner_client, shop).status_code == 302
    [sent] = mail.outbox
    assert sent.to == ["ola@rowerownia.example"]
    assert sent.subject == "Invitation to Rowerownia"
    assert sent.extra_headers["X-Postroom-Type"] == "system.invitation"
    token = mailed_link().split("/")[2]
    assert token in sent.alternatives[0].content
    row = Invitation.objects.get()
    assert row.digest == token_digest(token)
    assert token not in str(Invitation.objects.values())
    assert (row.invited_by, row.role) == (owner, Role.SENDER)
    assert AuditEntry.objects.get(action="member.invited").target == "ola@rowerownia.example"


def test_the_mail_goes_through_the_outbox_and_its_link_stays_out_of_sight(
    shop, owner_client, settings
):
    settings.MAILERS = {"default": {"BACKEND": "maillog.backends.OutboxBackend"}}
    invite(owner_client, shop)
    message = MailMessage.objects.get()
    assert (message.message_type, message.shop, message.sensitive) == (
        "system.invitation",
        None,
        True,
    )


def test_names_in_the_mail_are_text_and_subjects_have_one_line(shop, owner, owner_client):
    shop.name = "<b>Rower\nownia</b> & Syn"
    shop.save()
    owner.first_name = "<img src=x>"
    owner.save()
    invite(owner_client, shop)
    [sent] = mail.outbox
    assert sent.subject == "Invitation to <b>Rower ownia</b> & Syn"
    assert "<img src=x>" not in sent.alternatives[0].content
    assert "<img src=x> invites you" in sent.body


@pytest.mark.parametrize(
    "data, field",
    [
        ({"email": "x", "role": "viewer"}, "email"),
        ({"email": "a@b.example, c@d.example", "role": "viewer"}, "email"),
        ({"email": "", "role": "viewer"}, "email"),
        ({"email": "a@b.example", "role": "king"}, "role"),
        ({"email": "a@b.example"}, "role"),
    ],
)
def test_an_invitation_that_makes_no_sense_is_refused(shop, owner_client, data, field):
    answer = owner_client.post(url(shop, "invite"), data)
    assert list(answer.context["invite_form"].errors) == [field]
    assert not mail.outbox and not Invitation.objects.exists()


def test_a_member_is_not_invited_again(shop, owner_client, colleague):
    answer = invite(owner_client, shop, colleague.email.upper())
    assert "is in this shop already" in answer.context["invite_form"].errors["email"][0]
    assert not mail.outbox


def test_inviting_says_the_same_whether_the_address_has_an_account(shop, owner_client, stranger):
    known = invite(owner_client, shop, stranger.email)
    unknown = invite(owner_client, shop, "nobody@staff.example")
    told = [text.split(" to ")[0] for text in toasts(known) + toasts(unknown)[-1:]]
    assert len(set(told)) == 1
    assert known.status_code == unknown.status_code


def test_sending_again_makes_the_first_link_useless(shop, owner_client):
    invite(owner_client, shop)
    first = mailed_link()
    owner_client.post(url(shop, "invitation_again", pk=Invitation.objects.get().pk))
    assert len(mail.outbox) == 2
    assert Client().get(first).status_code == 404
    assert Client().get(mailed_link()).status_code == 200


def test_a_withdrawn_invitation_does_not_open(shop, owner_client):
    invite(owner_client, shop)
    owner_client.post(url(shop, "invitation_withdraw", pk=Invitation.objects.get().pk))
    assert Client().get(mailed_link()).status_code == 404
    assert AuditEntry.objects.filter(action="member.invitation_withdrawn").exists()


# Joining


def accept_url(token):
    return reverse("invitation:accept", args=[token])


@pytest.fixture
def link(shop, owner):
    _invitation, token = Invitation.issue(shop, "Ola@rowerownia.example", Role.EDITOR, owner)
    return accept_url(token)


def test_somebody_new_sets_name_and_password_and_is_in(shop, client, link):
    page = client.get(link)
    assert "Rowerownia" in page.text and "Editor" in page.text
    assert "no-store" in page["Cache-Control"]
    answer = client.post(link, {"name": "Ola  Maria Wilk", "password": STRONG})
    assert answer.headers["Location"] == f"/s/{shop.slug}/"
    user = User.objects.get(email="Ola@rowerownia.example")
    assert (user.first_name, user.last_name) == ("Ola", "Maria Wilk")
    assert user.check_password(STRONG)
    assert member_of(shop, user).role == Role.EDITOR
    assert int(client.session["_auth_user_id"]) == user.pk
    assert AuditEntry.objects.get(action="member.joined").user == user
    fresh = Client()
    data = {"login": "ola@rowerownia.example", "password": STRONG}
    assert fresh.post(reverse("account_login"), data).status_code == 302


def test_the_link_works_once(client, link):
    client.post(link, {"name": "Ola", "password": STRONG})
    again = Client().post(link, {"name": "Ewa", "password": STRONG})
    assert again.status_code == 404
    assert "does not work any more" in again.text
    assert User.objects.filter(email__iexact="ola@rowerownia.example").count() == 1


def test_two_clicks_at_once_join_once(shop, link):
    invitation = Invitation.objects.get()
    membership.sign_up(invitation, "Ola", STRONG)
    with pytest.raises(CannotChange):
        membership.join(invitation, factories.make_user())
    assert Membership.objects.filter(shop=shop, role=Role.EDITOR).count() == 1


def test_an_invitation_ends_after_seven_days(client, link):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(link).status_code == 404


@pytest.mark.parametrize("token", ["x", "%00", "a" * 3000, "%f0%9f%9a%b2"])
def test_a_wrong_link_gets_a_friendly_page(client, db, token):
    answer = client.get(f"/invitation/{token}/")
    assert answer.status_code == 404
    assert "This link does not work any more" in answer.text


@pytest.mark.parametrize(
    "data, field",
    [
        ({"name": "Ola", "password": "12345678"}, "password"),
        ({"name": "Ola", "password": "password"}, "password"),
        ({"name": "Ola", "password": "ola@rowerownia"}, "password"),
        ({"name": "", "password": STRONG}, "name"),
        ({"name": "x" * 151, "password": STRONG}, "name"),
    ],
)
def test_a_weak_password_or_no_name_is_refused(client, link, data, field):
    before = User.objects.count()
    answer = client.post(link, data)
    assert list(answer.context["form"].errors) == [field]
    assert User.objects.count() == before
    assert Invitation.objects.get().accepted_at is None


def test_somebody_known_signs_in_first(shop, client, link):
    user = factories.make_user(email="ola@rowerownia.example")
    page = client.get(link)
    assert f"{reverse('account_login')}?next={link}" in page.text
    client.post(link, {"name": "Eve", "password": STRONG})
    user.refresh_from_db()
    assert user.check_password("secret")
    assert not Membership.objects.filter(user=user).exists()
    client.force_login(user)
    assert "Join the shop" in client.get(link).text
    client.post(link)
    assert member_of(shop, user).role == Role.EDITOR


def test_looking_at_the_link_changes_nothing(client, link):
    client.force_login(factories.make_user(email="ola@rowerownia.example"))
    client.get(link)
    assert Invitation.objects.get().accepted_at is None


def test_somebody_else_cannot_take_the_invitation(shop, client, link, stranger):
    client.force_login(stranger)
    assert "is for somebody else" in client.get(link).text
    client.post(link, {"name": "Eve", "password": STRONG})
    assert not Membership.objects.filter(user=stranger, shop=shop).exists()
    assert Invitation.objects.get().accepted_at is None


def test_a_member_keeps_the_higher_role(shop, owner):
    invitation, _token = Invitation.issue(shop, owner.email, Role.VIEWER, None)
    membership.join(invitation, owner)
    assert member_of(shop, owner).role == Role.ADMIN


def test_a_user_name_that_is_taken_gets_a_number(shop, link):
    factories.make_user(username="Ola@rowerownia.example", email="")
    user = membership.sign_up(Invitation.objects.get(), "Ola", STRONG)
    assert user.get_username() == "Ola@rowerownia.example-2"
