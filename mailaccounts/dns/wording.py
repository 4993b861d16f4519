"""What a report says to people who sell shoes, made from its data in the reader's language.

Reports are stored; these functions take what was stored, so that each reader gets their own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_FAULTS = {
    "syntax": gettext_lazy("“%(term)s” in the record of %(domain)s cannot be read."),
    "too-long": gettext_lazy(
        "The record of %(domain)s is far too long; receivers read some hundred characters."
    ),
    "several-records": gettext_lazy(
        "%(domain)s has more than one SPF record; then receivers use none of them."
    ),
    "too-many-lookups": gettext_lazy(
        "Receivers stop after 10 look-ups; the record of this domain needs more, “%(term)s” is the "
        "first one too many."
    ),
    "too-many-voids": gettext_lazy(
        "More than 2 entries lead to names that do not exist, “%(term)s” among them."
    ),
    "loop": gettext_lazy("“%(term)s” leads back to where it stands: the record goes in a circle."),
    "no-record-there": gettext_lazy(
        "“%(term)s” in the record of %(domain)s leads to a domain without an SPF record."
    ),
    "too-many-mail-servers": gettext_lazy("“%(term)s” stands for more than 10 mail servers."),
    "temporary": gettext_lazy("DNS did not answer at “%(term)s”."),
}
_ADVICE = {
    "syntax": gettext_lazy("Correct or take out the entry that cannot be read."),
    "merged": gettext_lazy("Put this one record in place of all the old ones, and delete those."),
    "merge-by-hand": gettext_lazy(
        "Several records contradict each other. Ask your technician to make one of them; we "
        "cannot tell which is meant."
    ),
    "moved": gettext_lazy(
        "Our entry was not read where it stood, so it moves in front of the end."
    ),
    "named-twice": gettext_lazy("Our entry stands there more than once; one is enough."),
    "everyone-may-send": gettext_lazy(
        "“+all” lets everybody on the internet send in your name. End the record with “~all” or "
        "“-all” instead."
    ),
    "nobody-could-send": gettext_lazy(
        "So far the record says that nobody sends mail from this domain. Make sure that this was "
        "not meant."
    ),
    "no-end": gettext_lazy(
        "The record has no end such as “~all”, so it does not tell receivers what to do with "
        "forged mail."
    ),
    "ptr": gettext_lazy("“ptr” is slow and no longer recommended. Take it out if you can."),
    "long": gettext_lazy(
        "The record is longer than 255 characters. Some DNS panels want it in several pieces in "
        "quotation marks."
    ),
    "would-be-too-many-lookups": gettext_lazy(
        "With our entry the record would need more than 10 look-ups. Take out services that no "
        "longer send for you, the costly ones first, then check again."
    ),
    "mend-this-first": gettext_lazy("Mend this first, then check again."),
    "our-record-is-missing": gettext_lazy(
        "Our own record at %(include)s cannot be used yet: tell whoever runs this Postroom before "
        "you publish yours."
    ),
    "looks-like-spf": gettext_lazy(
        "There is also a TXT record that looks like SPF but is not read as such: %(alike)s"
    ),
}
_SPF = {
    "pass": gettext_lazy("The record of %(domain)s is in order: we may send for it."),
    "missing": gettext_lazy(
        "%(domain)s has no SPF record, so many of your customers’ mail servers will refuse mail "
        "from this server or put it into spam. Add the TXT record shown here."
    ),
    "not-including-us": gettext_lazy(
        "The record of %(domain)s is valid, but it does not name our server. Edit the TXT record "
        "that is there, do not add a second one."
    ),
    "permerror": gettext_lazy(
        "The SPF record of %(domain)s has an error, so it counts for nothing."
    ),
    "temperror": gettext_lazy(
        "The DNS of %(domain)s did not answer, so we do not know. Nothing is wrong yet: try again "
        "in some minutes."
    ),
}
_DKIM = {
    "pass": gettext_lazy("The key at %(name)s is in order."),
    "short-key": gettext_lazy(
        "The key at %(name)s works, but it has only %(bits)s bits. Change it for one of 2048."
    ),
    "testing": gettext_lazy(
        "The key at %(name)s is marked as a test (t=y), so receivers need not mind it. Take the "
        "mark out."
    ),
    "missing": gettext_lazy(
        "There is no key at %(name)s. Without it receivers cannot tell your mail from forged mail."
    ),
    "revoked": gettext_lazy("The key at %(name)s is withdrawn: its record is empty (p=)."),
    "wrong-key": gettext_lazy("The key at %(name)s is not the one we sign with."),
    "too-short": gettext_lazy(
        "The key at %(name)s has only %(bits)s bits; receivers do not accept that."
    ),
    "several-records": gettext_lazy("There are several records at %(name)s; keep only one."),
    "permerror": gettext_lazy("The record at %(name)s cannot be read as a key."),
    "temperror": gettext_lazy(
        "The DNS did not answer for %(name)s, so we do not know. Try again in some minutes."
    ),
}
_DMARC = {
    "pass": gettext_lazy("Receivers are told to stop forged mail (p=%(policy)s)."),
    "watching": gettext_lazy(
        "Receivers report forged mail, but not all of it is stopped. Once your own mail has passed "
        "for some weeks, be stricter: change the record to the one shown here."
    ),
    "missing": gettext_lazy(
        "There is no DMARC policy, and large mail providers distrust mail without one. Add the TXT "
        "record at %(name)s; it only watches to begin with."
    ),
    "several-records": gettext_lazy(
        "There are several DMARC records at %(name)s; then none counts. Keep only one."
    ),
    "permerror": gettext_lazy(
        "The DMARC record at %(name)s cannot be read, so it counts for nothing."
    ),
    "temperror": gettext_lazy(
        "The DNS did not answer for %(name)s, so we do not know. Try again in some minutes."
    ),
}
_MX = {
    "missing": gettext_lazy(
        "%(domain)s has no mail server for incoming mail: answers of your customers cannot arrive."
    ),
    "refuses-mail": gettext_lazy("%(domain)s says that it takes no mail at all."),
    "temperror": gettext_lazy(
        "The DNS of %(domain)s did not answer, so we do not know who keeps its mail."
    ),
}


def spf_hint(domain: str, spf: Mapping[str, Any], place: str = "") -> str:
    """What is the matter and what to do. ``place`` says where the record is edited."""
    status = str(spf.get("status", ""))
    if status not in _SPF:
        return ""
    parts = [_SPF[status] % {"domain": domain}]
    if not spf.get("domain_exists", True):
        parts = [_("There is no domain %s in DNS. Is it spelt right, and registered?") % domain]
    if status == "permerror":
        parts.append(fault_words(spf))
    if spf.get("proposed") or status in ("missing", "not-including-us", "permerror"):
        parts += [*stopping_advice(spf), place]
    return " ".join(part for part in parts if part)


def fault_words(spf: Mapping[str, Any]) -> str:
    """What is wrong with the record; "" if nothing is."""
    error = spf.get("error") or {}
    words = _FAULTS.get(error.get("fault", ""))
    return words % error if words else ""


def spf_notes(spf: Mapping[str, Any]) -> list[str]:
    """One sentence for each thing that should be known besides."""
    words = {
        "include": spf.get("include", ""),
        "alike": "; ".join(f"“{text}”" for text in spf.get("alike", ())),
    }
    return [_ADVICE[code] % words for code in spf.get("advice", ()) if code in _ADVICE]


def stopping_advice(spf: Mapping[str, Any]) -> list[str]:
    """What to do where there is no record to copy."""
    stops = ("syntax", "merge-by-hand", "would-be-too-many-lookups", "mend-this-first", "merged")
    listed = [code for code in spf.get("advice", ()) if code in stops]
    return spf_notes({**spf, "advice": listed})


def dkim_hint(key: Mapping[str, Any]) -> str:
    words = _DKIM.get(str(key.get("status", "")))
    return words % {"name": key.get("name", ""), "bits": key.get("bits")} if words else ""


def dmarc_hint(dmarc: Mapping[str, Any]) -> str:
    words = _DMARC.get(str(dmarc.get("status", "")))
    return (
        words % {"name": dmarc.get("name", ""), "policy": dmarc.get("policy", "")} if words else ""
    )


def mx_hint(domain: str, mx: Mapping[str, Any]) -> str:
    if mx.get("status") == "pass":
        hosts = ", ".join(str(row["host"]) for row in mx.get("hosts", ()))
        return _("Incoming mail goes to %(hosts)s.") % {"hosts": hosts}
    words = _MX.get(str(mx.get("status", "")))
    return words % {"domain": domain} if words else ""
