"""Domains with SPF records of every kind, and the verdicts that pyspf gave on them too."""

from __future__ import annotations

from tests.name_server import NameServer

OURS = "198.51.100.7"  # our server, by include:spf.desk.example
MX = "203.0.113.6"
WEB = "203.0.113.5"
ELSEWHERE = "192.0.2.200"
V6 = "2001:db8::25"
INCLUDE = "spf.desk.example"

RECORDS = {
    INCLUDE: "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:100::/48 ~all",
    "full.example": "v=spf1 a mx include:spf.desk.example -all",
    "soft.example": "v=spf1 a mx ~all",
    "neutral.example": "v=spf1 mx ?all",
    "endless.example": "v=spf1 mx",
    "plus.example": "v=spf1 +all",
    "never.example": "v=spf1 -all",
    "empty.example": "v=spf1",
    "upper.example": "V=SPF1 A MX INCLUDE:SPF.DESK.EXAMPLE -ALL",
    "blanks.example": "v=spf1  a   mx  -all ",
    "redirect.example": "v=spf1 redirect=full.example",
    "redirect-mid.example": "v=spf1 redirect=full.example mx:full.example",
    "redirect-all.example": "v=spf1 redirect=full.example -all",
    "redirect-away.example": "v=spf1 redirect=gone.example",
    "include-away.example": "v=spf1 include:gone.example -all",
    "include-fail.example": "v=spf1 include:never.example ip4:198.51.100.7 -all",
    "include-minus.example": "v=spf1 -include:spf.desk.example +all",
    "include-soft.example": "v=spf1 ~include:spf.desk.example -all",
    "loop.example": "v=spf1 include:loop.example -all",
    "loop-a.example": "v=spf1 include:loop-b.example -all",
    "loop-b.example": "v=spf1 include:loop-a.example -all",
    "loop-redirect.example": "v=spf1 redirect=loop-redirect.example",
    "voids.example": "v=spf1 a:n1.gone.example a:n2.gone.example a:n3.gone.example -all",
    "two-voids.example": "v=spf1 a:n1.gone.example a:n2.gone.example ip4:198.51.100.7 -all",
    "typo.example": "v=spf1 ipv4:198.51.100.7 -all",
    "colon.example": "v=spf1 a: -all",
    "mask.example": "v=spf1 ip4:198.51.100.0/33 -all",
    "mask6.example": "v=spf1 a//129 -all",
    "short.example": "v=spf1 ip4:198.51.100 -all",
    "all-arg.example": "v=spf1 -all:example.com",
    "twice.example": "v=spf1 redirect=full.example redirect=full.example",
    "toplabel.example": "v=spf1 a:localhost -all",
    "digits.example": "v=spf1 a:mail.123 -all",
    "unknown-modifier.example": "v=spf1 sealed=yes ip4:198.51.100.7 -all",
    "unknown-mechanism.example": "v=spf1 ip4:198.51.100.7 mail:full.example -all",
    "exp.example": "v=spf1 ip4:198.51.100.7 exp=why.example.org -all",
    "exp-empty.example": "v=spf1 ip4:198.51.100.7 exp= -all",
    "net.example": "v=spf1 a/24 -all",
    "net6.example": "v=spf1 a/24//64 -all",
    "mx-net.example": "v=spf1 mx/30 -all",
    "other-mx.example": "v=spf1 mx:full.example -all",
    "no-mx.example": "v=spf1 mx ip4:198.51.100.7 -all",
    "ip6.example": "v=spf1 ip6:2001:db8::/64 -all",
    "ip6-four.example": "v=spf1 ip6:2001:db8:: ip4:192.0.2.0/24 -all",
    "exists.example": "v=spf1 exists:%{ir}.%{v}.list.example -all",
    "exists-local.example": "v=spf1 exists:%{l}.%{o}.people.example -all",
    "macro-parts.example": "v=spf1 exists:%{d2r}.%{d1}.%{h}.parts.example -all",
    "macro-letters.example": "v=spf1 exists:%{l1r-}.%{s}.letters.example ?all",
    "macro-percent.example": "v=spf1 exists:%%.%_.%-.%{i}.percent.example -all",
    "macro-bad.example": "v=spf1 exists:%(i).list.example -all",
    "macro-letter.example": "v=spf1 exists:%{q}.list.example -all",
    "ptr.example": "v=spf1 ptr -all",
    "ptr-other.example": "v=spf1 ptr:full.example -all",
    "tab.example": "v=spf1 a\tmx -all",
    "late.example": "v=spf1 -all include:spf.desk.example",
    "nested.example": "v=spf1 include:redirect.example -all",
    "bad-inside.example": "v=spf1 include:typo.example -all",
    "two-inside.example": "v=spf1 include:two.example -all",
    "ten.example": "v=spf1 " + " ".join(f"include:i{n}.many.example" for n in range(10)) + " -all",
    "many.example": "v=spf1 " + " ".join(f"include:i{n}.many.example" for n in range(11)) + " -all",
    "deep.example": "v=spf1 include:ten.example -all",
    "long.example": "v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(1, 37)) + " -all",
    "ill-inside.example": "v=spf1 include:ill.example -all",
    "ill-later.example": "v=spf1 ip4:198.51.100.7 include:ill.example -all",
    "crowd.example": "v=spf1 mx -all",
}

# domain, address, verdict
VERDICTS = [
    ("full.example", OURS, "pass"),
    ("full.example", MX, "pass"),
    ("full.example", WEB, "pass"),
    ("full.example", ELSEWHERE, "fail"),
    ("full.example", "2001:db8:100::7", "pass"),
    ("full.example", "::ffff:198.51.100.7", "pass"),
    ("soft.example", OURS, "softfail"),
    ("neutral.example", OURS, "neutral"),
    ("endless.example", OURS, "neutral"),
    ("plus.example", ELSEWHERE, "pass"),
    ("never.example", OURS, "fail"),
    ("empty.example", OURS, "neutral"),
    ("upper.example", OURS, "pass"),
    ("blanks.example", ELSEWHERE, "fail"),
    ("redirect.example", OURS, "pass"),
    ("redirect.example", ELSEWHERE, "fail"),
    ("redirect-mid.example", MX, "pass"),
    ("redirect-all.example", OURS, "fail"),
    ("redirect-away.example", OURS, "permerror"),
    ("include-away.example", OURS, "permerror"),
    ("include-fail.example", OURS, "pass"),
    ("include-minus.example", OURS, "fail"),
    ("include-minus.example", ELSEWHERE, "pass"),
    ("include-soft.example", OURS, "softfail"),
    ("loop.example", OURS, "permerror"),
    ("loop-a.example", OURS, "permerror"),
    ("loop-redirect.example", OURS, "permerror"),
    ("voids.example", OURS, "permerror"),
    ("two-voids.example", OURS, "pass"),
    ("typo.example", OURS, "permerror"),
    ("colon.example", OURS, "permerror"),
    ("mask.example", OURS, "permerror"),
    ("mask6.example", OURS, "permerror"),
    ("short.example", OURS, "permerror"),
    ("all-arg.example", OURS, "permerror"),
    ("twice.example", OURS, "permerror"),
    ("toplabel.example", OURS, "permerror"),
    ("digits.example", OURS, "permerror"),
    ("unknown-modifier.example", OURS, "pass"),
    ("unknown-mechanism.example", OURS, "permerror"),
    ("exp.example", ELSEWHERE, "fail"),
    ("exp-empty.example", OURS, "permerror"),
    ("net.example", "203.0.113.77", "pass"),
    ("net.example", "203.0.114.5", "fail"),
    ("net6.example", "2001:db8::99", "pass"),
    ("net6.example", "2001:db8:1::99", "fail"),
    ("mx-net.example", "203.0.113.7", "pass"),
    ("mx-net.example", "203.0.113.8", "fail"),
    ("other-mx.example", MX, "pass"),
    ("no-mx.example", OURS, "pass"),
    ("ip6.example", V6, "pass"),
    ("ip6.example", OURS, "fail"),
    ("ip6-four.example", ELSEWHERE, "pass"),
    ("exists.example", OURS, "pass"),
    ("exists.example", ELSEWHERE, "fail"),
    ("exists-local.example", OURS, "pass"),
    ("macro-parts.example", OURS, "pass"),
    ("macro-letters.example", OURS, "neutral"),
    ("macro-percent.example", OURS, "fail"),
    ("macro-bad.example", OURS, "permerror"),
    ("macro-letter.example", OURS, "permerror"),
    ("ptr.example", WEB, "pass"),
    ("ptr.example", OURS, "fail"),
    ("ptr-other.example", MX, "pass"),
    ("tab.example", OURS, "permerror"),
    ("late.example", OURS, "fail"),
    ("nested.example", OURS, "pass"),
    ("bad-inside.example", OURS, "permerror"),
    ("two.example", OURS, "permerror"),
    ("two-inside.example", OURS, "permerror"),
    ("ten.example", "192.0.2.9", "pass"),
    ("ten.example", OURS, "fail"),
    ("many.example", "192.0.2.3", "pass"),
    ("many.example", OURS, "permerror"),
    ("deep.example", OURS, "permerror"),
    ("long.example", "192.0.2.36", "pass"),
    ("long.example", OURS, "fail"),
    ("ill.example", OURS, "temperror"),
    ("ill-inside.example", OURS, "temperror"),
    ("ill-later.example", OURS, "pass"),
    ("crowd.example", OURS, "permerror"),
    ("gone.example", OURS, "none"),
    ("plain.example", OURS, "none"),
    ("lookalike.example", OURS, "none"),
]


def fill(names: NameServer) -> NameServer:
    """The zone that the table speaks of."""
    for domain, record in RECORDS.items():
        names.add(domain, "TXT", record)
    for domain in ("full.example", "soft.example", "blanks.example", "net.example"):
        names.add(domain, "A", WEB).add(domain, "MX", "10 mx.full.example.")
    for domain in ("upper.example", "neutral.example", "endless.example", "mx-net.example"):
        names.add(domain, "A", WEB).add(domain, "MX", "10 mx.full.example.")
    names.add("mx.full.example", "A", MX).add("net6.example", "AAAA", V6)
    names.add("full.example", "AAAA", "2001:db8:5::5").add("mx.full.example", "AAAA", "2001:db8::6")
    for number in range(11):
        names.add(f"i{number}.many.example", "TXT", f"v=spf1 ip4:192.0.2.{number} -all")
        names.add("crowd.example", "MX", f"{number} mx{number}.full.example.")
    names.add("two.example", "TXT", "v=spf1 a -all", "v=spf1 mx -all")
    names.add("plain.example", "TXT", "google-site-verification=1")
    names.add("lookalike.example", "TXT", "v=spf10 a -all", "spf2.0/pra -all")
    names.add("7.100.51.198.in-addr.list.example", "A", "127.0.0.2")
    names.add("anna.exists-local.example.people.example", "A", "127.0.0.2")
    names.add("example.macro-parts.example.mail.desk.example.parts.example", "A", "127.0.0.2")
    names.add("5.113.0.203.in-addr.arpa", "PTR", "web.ptr.example.")
    names.add("web.ptr.example", "A", WEB)
    names.add("6.113.0.203.in-addr.arpa", "PTR", "mx.full.example.")
    names.add("7.100.51.198.in-addr.arpa", "PTR", "claims.ptr.example.")
    return names.fail("ill.example", "servfail")
