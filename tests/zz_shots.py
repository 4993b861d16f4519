import shutil
import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import sync_playwright
from mailaccounts.models import SenderAccount
from maillog.models import WorkerBeat
from shops.alarms import raise_alarm
from shops.models import AuditEntry
from shops.audit import entries_for
from tests import factories

@pytest.mark.django_db(transaction=True)
def test_shots(live_server, settings):
    settings.SUPPORT_URL = "mailto:pomoc@rowerownia.example"
    shop = factories.make_shop()
    marta = factories.make_user(shop, first_name="Marta", last_name="Wilk")
    acc = factories.make_account(shop, label="Zamówienia")
    now = timezone.now()
    WorkerBeat.objects.create(name="a:1", kind="deliver", started_at=now, beat_at=now)
    raise_alarm("domain.spf", shop=shop, target="d:1", title="rowerownia.example: SPF no longer names our server", text="Mail may land in spam. Enter the record that the domain's page shows.", path=f"/s/{shop.slug}/domains/", urgent=False)
    raise_alarm("account.broken", shop=shop, title="The account “Zamówienia” is paused", text="The server does not let us in. Mail from this account waits, nothing is lost. Enter the present password and check the user name; then everything that waits is sent.\n\nThe server said: 535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", path=f"/s/{shop.slug}/accounts/{acc.pk}/")
    AuditEntry.note("account.added", shop=shop, user=marta, target=acc, fields=["host","from_address","password"])
    AuditEntry.note("account.changed", shop=shop, user=marta, target=acc, fields=["host", "password"])
    AuditEntry.note("member.role", shop=shop, user=marta, target="ola@rowerownia.example", before="viewer", after="accounts")
    AuditEntry.note("assignment.changed", shop=shop, user=marta, target="order.paid", is_on=[False, True], account=[None, acc.pk])
    AuditEntry.note("account.made_main", shop=shop, user=None, target=acc)
    client = Client(); client.force_login(marta)
    with sync_playwright() as p:
        b = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox","--disable-gpu","--disable-quic"])
        errors=[]
        for w in (1280, 390):
            for scheme in ("light","dark"):
                c = b.new_context(color_scheme=scheme, viewport={"width":w,"height":900})
                c.add_cookies([{"name":"sessionid","value":client.cookies["sessionid"].value,"url":live_server.url}])
                pg = c.new_page()
                pg.on("console", lambda m: errors.append(m.text) if m.type=="error" else None)
                pg.on("pageerror", lambda e: errors.append(str(e)))
                for name, path in (("help","help/"),("audit","audit/"),("log","log/"),("over","")):
                    if scheme=="dark" and name in("log","over"): continue
                    pg.goto(f"{live_server.url}/s/{shop.slug}/{path}")
                    if name=="help":
                        pg.fill("#help-find","gmail limit")
                        assert pg.locator("[data-question]:visible").count()==1
                        pg.click(".help-toc a >> nth=0")
                        assert pg.locator("[data-question]:visible").count()>10
                    if name in("audit",):
                        pg.click(".bell > summary")
                    pg.screenshot(path=f"/tmp/desk-{name}-{w}-{scheme}.png", full_page=(name=="help"))
                    assert pg.evaluate("document.documentElement.scrollWidth") <= w, (name,w)
        print(errors)
        b.close()
