"""How large a file and a message may be: the last byte that goes, and the first that does not."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage

from maillog import sizes
from maillog.mime import Attachment
from maillog.models import MailMessage
from maillog.outbox import queue
from maillog.pipeline import Claim, EmailChannel, Stop, process
from maillog.sizes import FileTooLarge, check_file
from maillog.states import State
from shops.file_size import in_words
from templates_tx.built_in import sync
from templates_tx.notify import notify
from tests import factories
from tests.maillog.test_session import account_at, make_draft, send_all, the_delivery
from tests.smtp import sink

pytestmark = pytest.mark.django_db(transaction=True)

TWO_MB = 2 * 1024 * 1024
FOUR_MB = 4 * 1024 * 1024


def a_file(size, name="regulamin.pdf"):
    return Attachment(name, "application/pdf", b"%PDF-" + b"x" * (size - 5))


def wire_size(message):
    return len(EmailChannel().build(the_delivery(message)).content)


def queued(account, **values):
    message = queue(make_draft(account, **values))
    message.files = list(message.attachments.select_related("file"))
    return message


def of_size(account, wanted):
    """A message with two files that has exactly ``wanted`` bytes on the wire."""
    sizes_of_files = [1_530_000, 1_530_000]
    missing = wanted - wire_size_of(account, sizes_of_files, 1)
    sizes_of_files[1] += missing // 78 * 57 - 57
    pad = 1 + wanted - wire_size_of(account, sizes_of_files, 1)
    assert wire_size_of(account, sizes_of_files, pad) == wanted
    return queued(account, **values_of(sizes_of_files, pad))


def values_of(sizes_of_files, pad):
    files = tuple(a_file(size, f"f{number}.pdf") for number, size in enumerate(sizes_of_files))
    return {"attachments": files, "headers": (("X-Pad", "x" * pad),)}


def wire_size_of(account, sizes_of_files, pad):
    message = queued(account, **values_of(sizes_of_files, pad))
    delivery = the_delivery(message)
    delivery.message.files = message.files
    size = len(EmailChannel().build(delivery).content)
    MailMessage.objects.filter(pk=message.pk).delete()
    return size


@pytest.mark.promise("S4.24")
def test_a_file_of_two_megabytes_goes_along_and_one_byte_more_does_not():
    check_file("regulamin.pdf", TWO_MB)
    with pytest.raises(FileTooLarge, match=r"“regulamin.pdf” has 2.01 MB.*at most 2 MB"):
        check_file("regulamin.pdf", TWO_MB + 1)


@pytest.mark.promise("S4.24")
def test_what_a_program_sends_obeys_as_well(shop):
    sync()
    factories.make_account(shop)
    send = {"shop": shop, "to": "anna@klient.example", "context": {"text": "Dzień dobry"}}
    message = notify("note", attachments=(a_file(TWO_MB),), **send)
    assert message.attachments.get().file.size == TWO_MB
    with pytest.raises(FileTooLarge):
        notify("note", attachments=(a_file(TWO_MB + 1),), **send)
    assert MailMessage.objects.count() == 1


@pytest.mark.promise("S4.24")
def test_the_installations_own_mail_obeys_as_well(settings):
    settings.MAILERS = {"default": {"BACKEND": "maillog.backends.OutboxBackend"}}
    mail = EmailMessage("x", "x", to=["anna@klient.example"])
    mail.attach("raport.pdf", b"x" * TWO_MB, "application/pdf")
    assert mail.send() == 1
    mail.attach("drugi.pdf", b"x" * (TWO_MB + 1), "application/pdf")
    with pytest.raises(FileTooLarge, match=r"drugi.pdf"):
        mail.send()


@pytest.mark.promise("S4.36")
@pytest.mark.parametrize(
    ("size", "state"), [(FOUR_MB, State.SENT), (FOUR_MB + 1, State.FAILED)], ids=["4 MB", "+1 byte"]
)
def test_a_message_of_four_megabytes_leaves_and_one_byte_more_does_not(size, state):
    with sink() as server:
        account = account_at(server.port)
        message = of_size(account, size)
        send_all(account)
    message.refresh_from_db()
    assert message.state == state
    assert len(server.store.received) == (state == State.SENT)
    if state == State.FAILED:
        assert message.detail.startswith("With its files the message has 4.01 MB; at most 4 MB")


def test_what_left_before_the_limit_was_lowered_can_still_be_looked_at(settings):
    message = queued(account_at(1))
    delivery = the_delivery(message)
    delivery.message.files = []
    settings.MAX_MESSAGE_BYTES = 100
    assert EmailChannel().build(delivery).content
    with pytest.raises(Stop) as stopped:
        process(Claim(delivery, message.created_at))
    assert stopped.value.state == State.FAILED


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 1000, 100_003])
def test_what_a_file_will_take_is_never_told_too_small(size):
    account = account_at(1)
    name = "regulamin-sklepu-i-polityka-prywatnosci.pdf"
    one, two = (
        wire_size_of_files(account, (Attachment(name, "application/pdf", b"x" * size),) * count)
        for count in (1, 2)
    )
    assert size * 4 // 3 <= two - one <= sizes.encoded(size) <= size * 1.37 + 600


def wire_size_of_files(account, files):
    message = queued(account, attachments=files)
    delivery = the_delivery(message)
    delivery.message.files = message.files
    return len(EmailChannel().build(delivery).content)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (1, "1 kB"),
        (340 * 1024, "340 kB"),
        (TWO_MB, "2 MB"),
        (TWO_MB + 1, "2.01 MB"),
        (2_621_440, "2.5 MB"),
    ],
)
def test_sizes_are_rounded_up(size, words):
    assert in_words(size) == words
