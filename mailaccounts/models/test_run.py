"""One test of one account, step by step."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from mailaccounts.models.account import SenderAccount
from shops.uuid7 import uuid7


class TestState(models.TextChoices):
    __test__ = False  # for pytest: no test class

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    PASSED = "passed", _("Passed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


GOING_ON = (TestState.WAITING, TestState.RUNNING)


class AccountTest(models.Model):
    """``steps`` are ``CheckResult`` dictionaries in the order in which they were tried.

    One at a time for each account: the constraint decides between two clicks.
    """

    __test__ = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(SenderAccount, on_delete=models.CASCADE, related_name="tests")
    to_address = models.EmailField(_("test message to"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    language = models.CharField(max_length=5, blank=True)
    state = models.CharField(max_length=10, choices=TestState, default=TestState.WAITING)
    steps = models.JSONField(default=list)
    cancel_requested = models.BooleanField(default=False)
    # The log's message; a plain UUID because the log lives in an app to the right.
    message_uuid = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("account test")
        verbose_name_plural = _("account tests")
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(state__in=[state.value for state in GOING_ON]),
                name="account_test_one_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["account", "-id"], name="account_test_latest")]

    def __str__(self) -> str:
        return f"{self.account} {self.state}"
