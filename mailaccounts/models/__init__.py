"""Where mail leaves from, and what is known of it."""

from mailaccounts.models.account import (
    SenderAccount,
    SenderAccountQuerySet,
    server_endpoint,
)
from mailaccounts.models.adding import add_account, add_default_account, system_account
from mailaccounts.models.domain import (
    DkimKey,
    DomainStatus,
    KeyState,
    SenderDomain,
    TechnicianLink,
)
from mailaccounts.models.kinds import (
    AccountRefusal,
    AccountState,
    Breaker,
    ImapTls,
    Kind,
    TlsMode,
)
from mailaccounts.models.oauth_client import OAuthClient, OAuthProvider
from mailaccounts.models.sign_in import SignInAttempt, SignInState, TokenToRevoke
from mailaccounts.models.test_run import AccountTest, TestState

__all__ = [
    "AccountRefusal",
    "AccountState",
    "AccountTest",
    "Breaker",
    "DkimKey",
    "DomainStatus",
    "ImapTls",
    "Kind",
    "KeyState",
    "OAuthClient",
    "OAuthProvider",
    "SenderAccount",
    "SenderAccountQuerySet",
    "SenderDomain",
    "SignInAttempt",
    "SignInState",
    "TechnicianLink",
    "TestState",
    "TlsMode",
    "TokenToRevoke",
    "add_account",
    "add_default_account",
    "server_endpoint",
    "system_account",
]
