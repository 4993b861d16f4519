"""The verdicts on a domain's records, in words for people who sell shoes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

from mailaccounts.dns.spf_check import SpfStatus

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# For each status of a report: tone, badge, verdict, what it means.
type Words = tuple[str, StrOrPromise, StrOrPromise, StrOrPromise]

UNCHECKED: Words = (
    "idle",
    gettext_lazy("Not checked yet"),
    gettext_lazy("Nobody has looked at this record yet."),
    gettext_lazy("“Check now” asks the domain’s name servers. It takes some seconds."),
)
NO_ANSWER: Words = (
    "warn",
    gettext_lazy("Could not be read"),
    gettext_lazy("The domain’s name servers did not answer."),
    gettext_lazy("So nothing is known at the moment. Mail goes on leaving; check again later."),
)
SPF: dict[str, Words] = {
    "pass": (
        "ok",
        gettext_lazy("In order"),
        gettext_lazy("Your record names our server."),
        gettext_lazy("Receivers can see that mail from this server is really yours."),
    ),
    "not-including-us": (
        "warn",
        gettext_lazy("One server missing"),
        gettext_lazy("Your record is valid, but it does not name our server."),
        gettext_lazy(
            "Mail from accounts of the type “From this server” may be refused. Mail that leaves "
            "from elsewhere is not touched by this."
        ),
    ),
    "missing": (
        "bad",
        gettext_lazy("Missing"),
        gettext_lazy("The domain has no SPF record."),
        gettext_lazy(
            "Receivers cannot tell who may send for it, and many refuse mail from our server."
        ),
    ),
    "permerror": (
        "bad",
        gettext_lazy("Broken"),
        gettext_lazy("Receivers cannot make sense of the record."),
        gettext_lazy("They treat all mail of the domain as if there were no record, or refuse it."),
    ),
    "temperror": NO_ANSWER,
}
NEED_NOT_NAME_US: Words = (
    "ok",
    gettext_lazy("In order"),
    gettext_lazy("Your record is valid."),
    gettext_lazy(
        "It does not name our server, and need not: no account of this domain sends “from this "
        "server”. Servers that your other accounts use are named by whoever runs them."
    ),
)
ELSEWHERE: dict[str, Words] = {
    SpfStatus.NOT_US: NEED_NOT_NAME_US,
    SpfStatus.MISSING: (
        "bad",
        gettext_lazy("Missing"),
        gettext_lazy("The domain has no SPF record."),
        gettext_lazy(
            "It must name the servers that your mail leaves from: whoever runs them, your hoster "
            "or provider, has the record to copy. Without it many receivers refuse your mail."
        ),
    ),
}
DMARC: dict[str, Words] = {
    "pass": (
        "ok",
        gettext_lazy("In order"),
        gettext_lazy("Receivers know what to do with forged mail."),
        gettext_lazy("Mail that only pretends to be from you is set aside or refused."),
    ),
    "watching": (
        "warn",
        gettext_lazy("Only watching"),
        gettext_lazy("Receivers are told to report forged mail but not to stop it."),
        gettext_lazy("Once the reports show that all your own mail passes, be stricter."),
    ),
    "missing": (
        "bad",
        gettext_lazy("Missing"),
        gettext_lazy("The domain has no DMARC policy."),
        gettext_lazy(
            "Large mailbox providers treat mail without one as suspicious. Begin by watching only."
        ),
    ),
    "several-records": (
        "bad",
        gettext_lazy("Several records"),
        gettext_lazy("There is more than one policy, so receivers use none."),
        gettext_lazy("Keep one of them and delete the others."),
    ),
    "permerror": (
        "bad",
        gettext_lazy("Broken"),
        gettext_lazy("Receivers cannot make sense of the policy."),
        gettext_lazy("They treat the domain as if it had none."),
    ),
    "temperror": NO_ANSWER,
}
