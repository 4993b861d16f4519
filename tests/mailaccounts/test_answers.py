import pytest

from mailaccounts.transports.answers import Reply, classify, wait_from_text
from mailaccounts.transports.base import Phase

CODES = (450, 451, 452, 454, 550, 552, 553, 554)
# Bare codes, as the columns of CODES: what each means at each point of a session.
MATRIX = {
    ("greeting", Phase.CONNECT): ["net"] * 8,
    ("EHLO", Phase.CONNECT): ["net"] * 8,
    ("AUTH", Phase.LOGIN): ["net"] * 4 + ["auth"] * 4,
    ("MAIL", Phase.MAIL): ["temporary"] * 4 + ["auth", "size", "auth", "auth"],
    ("RCPT", Phase.RCPT): ["temporary"] * 4 + ["recipient", "mailbox_full", "recipient", "content"],
    ("DATA", Phase.DATA): ["temporary"] * 4 + ["content", "size", "recipient", "content"],
    ("dot", Phase.DOT): ["temporary"] * 4 + ["content", "size", "recipient", "content"],
}


@pytest.mark.parametrize(
    ("phase", "code", "answer"),
    [
        pytest.param(phase, code, answer, id=f"{code}-at-{name}")
        for (name, phase), row in MATRIX.items()
        for code, answer in zip(CODES, row, strict=True)
    ],
)
def test_a_bare_code_means_what_its_phase_says(phase, code, answer):
    assert classify(Reply(code, b"Scripted"), phase) == answer


# Replies as servers really give them.
REAL = [
    (Phase.CONNECT, "421 4.7.0 Try again later, closing connection", "net"),
    (Phase.CONNECT, "554 5.7.1 Service unavailable; client host blocked", "net"),
    (Phase.LOGIN, "535 5.7.8 Username and Password not accepted", "auth"),
    (Phase.LOGIN, "534 5.7.9 Application-specific password required", "auth"),
    (Phase.LOGIN, "534 5.7.14 Please log in via your web browser", "auth"),
    (Phase.LOGIN, "454 4.7.0 Cannot authenticate due to temporary system problem", "net"),
    (Phase.LOGIN, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", "quota"),
    (Phase.LOGIN, "550 5.7.30 Basic authentication is not supported for Client Submission", "auth"),
    (Phase.LOGIN, "535 5.7.139 Authentication unsuccessful, basic authentication is", "auth"),
    (Phase.MAIL, "530 5.7.0 Must issue a STARTTLS command first", "auth"),
    (Phase.MAIL, "530 5.5.1 Authentication Required", "auth"),
    (Phase.MAIL, "530 5.7.57 Client not authenticated to send mail", "auth"),
    (Phase.MAIL, "550 5.7.1 Relaying denied", "auth"),
    (Phase.MAIL, "553 5.7.1 <a@b.example>: Sender address rejected: not owned by user c", "auth"),
    (Phase.MAIL, "552 5.3.4 Message size exceeds fixed limit", "size"),
    (Phase.MAIL, "452 4.3.1 Insufficient system storage", "temporary"),
    (Phase.MAIL, "421 4.4.2 Error: timeout exceeded", "net"),
    (Phase.MAIL, "550 5.4.5 Daily user sending quota exceeded.", "quota"),
    (Phase.RCPT, "421 4.7.28 Unusual rate of mail", "net"),
    (Phase.RCPT, "450 4.2.0 Recipient address rejected: Greylisted", "temporary"),
    (Phase.RCPT, "450 4.2.1 The user you are contacting receives mail too quickly", "temporary"),
    (Phase.RCPT, "451 4.7.1 Greylisting in action, please come back in 00:05:00", "temporary"),
    (Phase.RCPT, "451 4.4.5 Mail system congestion", "temporary"),
    (Phase.RCPT, "452 4.5.3 Too many recipients", "quota"),
    (Phase.RCPT, "452 4.4.5 Insufficient resources for this sender", "quota"),
    (Phase.RCPT, "550 5.4.5 Daily user sending quota exceeded", "quota"),
    (Phase.RCPT, "550 5.1.90 Your message can't be sent, daily limit for recipients", "quota"),
    (Phase.RCPT, "550 User a@b.example has exceeded its 24-hour sending limit.", "quota"),
    (Phase.RCPT, "550 Domain b.example has exceeded the max emails per hour (100/100)", "quota"),
    (Phase.RCPT, "450 Requested action not taken; Mail send limit exceeded", "quota"),
    (Phase.RCPT, "452 4.2.2 The recipient's inbox is out of storage space", "mailbox_full"),
    (Phase.RCPT, "552 5.2.2 Mailbox is over quota", "mailbox_full"),
    (Phase.RCPT, "550 5.2.2 <c@d.example>: user is over quota", "mailbox_full"),
    (Phase.RCPT, "550 Mailbox is full", "mailbox_full"),
    (Phase.RCPT, "550 5.1.1 The email account does not exist", "recipient"),
    (Phase.RCPT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound", "recipient"),
    (Phase.RCPT, "550 5.2.1 The email account is disabled", "recipient"),
    (Phase.RCPT, "551 5.7.1 User not local", "content"),
    (Phase.RCPT, "551 User not local; please try <e@f.example>", "recipient"),
    (Phase.RCPT, "553 5.1.3 The recipient address is not valid", "recipient"),
    (Phase.RCPT, "501 5.1.3 Bad recipient address syntax", "recipient"),
    (Phase.RCPT, "554 5.7.1 <c@d.example>: Relay access denied", "auth"),
    (Phase.RCPT, "454 4.7.1 <c@d.example>: Relay access denied", "auth"),
    (Phase.RCPT, "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "auth"),
    (Phase.RCPT, "554 5.7.1 <shop[192.0.2.1]>: Client host rejected: Access denied", "auth"),
    (Phase.RCPT, "554 5.7.1 Recipient refused by policy", "content"),
    (Phase.DATA, "554 5.5.1 Error: no valid recipients", "content"),
    (Phase.BODY, "552 5.3.4 Too large, stopped reading", "size"),
    (Phase.DOT, "554 5.7.1 Message rejected as spam", "content"),
    (Phase.DOT, "550 5.7.26 This mail is unauthenticated", "content"),
    (Phase.DOT, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", "auth"),
    (Phase.DOT, "554 5.2.252 SendAsDenied; a@b.example not allowed to send as", "auth"),
    (Phase.DOT, "554 5.6.0 Corrupt message content", "content"),
    (Phase.DOT, "552 5.2.3 Message exceeds maximum size of this mailbox", "size"),
    (Phase.DOT, "552 5.2.2 Mailbox full", "mailbox_full"),
    (Phase.DOT, "554 5.2.0 SubmissionQuotaExceededException", "quota"),
    (Phase.DOT, "550 5.1.1 No such user", "recipient"),
    (Phase.DOT, "451 4.7.1 Please try again later", "temporary"),
    (Phase.DOT, "421 4.3.0 Closing", "net"),
    (Phase.DOT, "250 2.0.0 OK", "sent"),
    (Phase.DOT, "354 Go ahead", "unknown"),
    (Phase.MAIL, "354 Go ahead", "net"),
]


@pytest.mark.parametrize(("phase", "words", "answer"), REAL, ids=[f"{p}:{w}" for p, w, _ in REAL])
def test_a_real_reply_means_what_the_queue_needs_to_know(phase, words, answer):
    assert classify(Reply(int(words[:3]), words[4:].encode()), phase) == answer


def test_the_same_words_blame_the_account_or_the_recipient_by_phase():
    reply = Reply(550, b"mailbox unavailable")
    assert [classify(reply, p) for p in (Phase.MAIL, Phase.RCPT, Phase.DOT)] == [
        "auth",
        "recipient",
        "content",
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Greylisted, try again in 30 seconds", 40),
        ("please retry in 5 minutes", 310),
        ("Greylisting in action, please come back in 00:05:00", 310),
        ("Relay quota will reset in 5.25 hours", 18_910),
        ("greylisted for 300s", 310),
        ("Please wait 2 min", 130),
        ("try again in 99999 hours", 86_400),
        ("try again later", None),
        ("mailbox full", None),
        ("550 5.1.1 unknown", None),
        ("", None),
    ],
)
def test_it_reads_how_long_the_server_wants_us_to_wait(text, seconds):
    assert wait_from_text(text) == seconds


def test_a_long_hostile_text_is_read_in_no_time():
    import time

    started = time.perf_counter()
    wait_from_text("again " * 400)
    classify(Reply(550, b"relay " * 400 + b"daily " * 400), Phase.RCPT)
    assert time.perf_counter() - started < 0.2


def test_the_text_of_a_reply_is_one_printable_line():
    reply = Reply(550, b"5.1.1 No such\n5.1.1 user\x1b[31m\r[INFO] forged \xff \xe2\x80\xae here")
    assert reply.enhanced == "5.1.1"
    assert reply.text == "No such user\\x1b[31m\\r[INFO] forged \ufffd \\u202e here"
    assert reply.text.isprintable()


def test_the_text_of_a_reply_is_at_most_2_kib_of_valid_utf8():
    text = Reply(550, "ż".encode() * 5000).text
    assert len(text.encode()) <= 2048
    assert set(text) == {"ż"}
    assert len(Reply(550, b"\x01" * 5000).text) <= 2048


def test_a_number_in_the_words_is_no_status_code():
    assert Reply(550, b"Blocked, see 5.7.1 in our rules").enhanced == ""
    assert Reply(550, b"5.1.1.2 is my address").enhanced == ""
