from datetime import timedelta
from random import Random

import pytest

from mailaccounts.transports.base import AnswerClass
from maillog.retry import account_pause, next_try, quota_pause

MINUTE = 60


def wait(answer, *, age=0.0, tries=1, retry_after=None, seed=1):
    return next_try(answer, age_seconds=age, tries=tries, retry_after=retry_after, rng=Random(seed))


@pytest.mark.parametrize(
    ("age", "shortest", "longest"),
    [
        (0, 4 * MINUTE, 6 * MINUTE),
        (20 * MINUTE, 16 * MINUTE, 24 * MINUTE),
        (48 * 60 * MINUTE, 53.6 * MINUTE, 80.4 * MINUTE),
    ],
)
def test_a_temporary_refusal_waits_as_long_as_the_mail_is_old(age, shortest, longest):
    waits = [wait(AnswerClass.TEMPORARY, age=age, seed=n).total_seconds() for n in range(200)]
    assert shortest <= min(waits) < max(waits) <= longest
    assert max(waits) - min(waits) > 0.3 * (longest - shortest), "the jitter spreads a batch"


def test_the_servers_own_wait_goes_before_the_schedule():
    assert wait(AnswerClass.TEMPORARY, retry_after=40) == timedelta(seconds=40)


def test_a_full_mailbox_is_tried_after_1_2_4_and_8_hours():
    waits = [wait(AnswerClass.MAILBOX_FULL, tries=n) for n in (1, 2, 3, 4, 5)]
    assert waits == [timedelta(hours=h) for h in (1, 2, 4, 8, 8)]


@pytest.mark.parametrize("answer", ["net", "auth", "quota"])
def test_a_message_does_not_pay_for_its_accounts_trouble(answer):
    assert wait(AnswerClass(answer), age=99999, tries=9) == timedelta(0)


@pytest.mark.parametrize(
    "answer", ["sent", "recipient", "content", "size", "capability", "unknown"]
)
def test_what_has_ended_is_not_tried_again(answer):
    assert wait(AnswerClass(answer)) is None


def test_five_minutes_of_greylisting_take_at_most_four_attempts():
    for seed in range(300):
        rng, age, attempts = Random(seed), 0.0, 1
        while age < 300:
            pause = next_try(AnswerClass.TEMPORARY, age_seconds=age, tries=attempts, rng=rng)
            age += pause.total_seconds()
            attempts += 1
        assert attempts <= 4


def test_an_account_that_cannot_be_reached_rests_longer_each_time():
    pauses = [account_pause(n).total_seconds() / MINUTE for n in (0, 1, 2, 3, 4, 5, 6, 7, 8, 99)]
    assert pauses == [1, 1, 2, 5, 10, 20, 30, 60, 60, 60]


def test_a_used_up_quota_rests_half_an_hour_or_as_long_as_the_server_says():
    assert quota_pause(None) == timedelta(minutes=30)
    assert quota_pause(70) == timedelta(seconds=70)
