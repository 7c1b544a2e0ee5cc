"""Tours, articles, surveys and whatever else a page starts: by script, attribute and rule; and once for a visitor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask

from flask_livechat import Visitor, providers
from flask_livechat.widget.rules import KINDS

from .conftest import VENDORS, Visit

Site = Callable[..., Flask]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
CAN = {vendor: sorted(providers.load(vendor).can & set(KINDS)) for vendor in VENDORS}
able = pytest.mark.parametrize("vendor", [vendor for vendor in VENDORS if CAN[vendor]])
BLOCKED = """for (const name of ["getItem", "setItem", "removeItem"]) {
  Storage.prototype[name] = () => { throw new Error(name); };
}"""


def content(kind: str, number: int = 7) -> str:
    """Intercom's spaces have names, and whatever else there is ids."""
    return f"{kind}:{('messages', 'help')[number % 2]}" if kind == "space" else f"{kind}:{number}"


def count(visit: Visit, vendor: str, kind: str, number: int = 7) -> int:
    """How often the stand-in's panel shows that something of a kind was started."""
    panel = f"document.querySelector('#livechat-sandbox-{vendor}').shadowRoot"
    lines = visit.get(f"[...{panel}.querySelectorAll('[data-author=system]')].map((line) => line.textContent)")
    name = content(kind, number).partition(":")[2]
    return sum(kind in line.lower() and name in line for line in lines)


def counts(visit: Visit, vendor: str) -> dict[str, int]:
    return {kind: count(visit, vendor, kind) for kind in CAN[vendor]}


def each(vendor: str, times: int) -> dict[str, int]:
    return dict.fromkeys(CAN[vendor], times)


def start_all(visit: Visit, vendor: str, once: str = "true") -> None:
    """Ask for each of a vendor's kinds."""
    for kind in CAN[vendor]:
        name, _, number = content(kind).partition(":")
        assert visit.get(f"livechat.start('{name}', '{number}', {{once: {once}}})") is True


def settled(visit: Visit, vendor: str) -> dict[str, int]:
    """What was started, once a call without ``once`` that was made last has come to the vendor."""
    kind = CAN[vendor][0]
    before = count(visit, vendor, kind, 8)
    visit.get("livechat.start({!r}, {!r})".format(*content(kind, 8).split(":")))
    visit.eventually(lambda: count(visit, vendor, kind, 8) > before)
    return counts(visit, vendor)


@able
def test_each_kind_that_a_vendor_can_is_started_by_script_and_by_attribute(
    site: Site, visit: Visit, vendor: str
) -> None:
    buttons = "".join(
        f'<button id="{kind}" data-livechat-start="{content(kind)}">{kind}</button>' for kind in CAN[vendor]
    )
    site(vendor, LOAD="manual", extra=buttons)
    visit.go()
    start_all(visit, vendor, "false")
    visit.ready()
    visit.eventually(lambda: counts(visit, vendor) == each(vendor, 1))
    visit.get(f"for (const kind of {CAN[vendor]}) document.getElementById(kind).click()")
    visit.eventually(lambda: counts(visit, vendor) == each(vendor, 2))


@pytest.mark.parametrize("vendor", [vendor for vendor in VENDORS if "trigger" in CAN[vendor]])
@pytest.mark.parametrize("name", ["trigger:run", "bot:scenario:run", "helpdesk:article:open"])
def test_a_stand_in_takes_names_that_are_text_alone(site: Site, visit: Visit, vendor: str, name: str) -> None:
    site(vendor, LOAD="eager")
    visit.go()
    visit.ready()
    visit.get("$crisp.push(['safe', false])")
    for arguments in ("[7]", "[null]", "['en', {}]" if "article" in name else "['']"):
        thrown = (
            f"(() => {{ try {{ $crisp.push(['do', '{name}', {arguments}]); }} catch (error) {{ return true; }} }})()"
        )
        assert visit.get(thrown) is True
    assert counts(visit, vendor) == each(vendor, 0)


@every_vendor
def test_a_kind_that_a_vendor_cannot_start_is_said_once_and_starts_nothing(
    site: Site, visit: Visit, vendor: str
) -> None:
    lacking = [*(kind for kind in KINDS if kind not in CAN[vendor]), "nonsense", ""]
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text) if "not supported" in message.text else None)
    site(vendor, LOAD="manual", extra='<a id="x" href="/contact" data-livechat-start="nonsense:1">X</a>')
    visit.go()
    for kind in lacking * 2:
        assert visit.get(f"livechat.start('{kind}', '7')") is False
    title = providers.load(vendor).title
    visit.eventually(lambda: len(said) >= len(lacking))
    assert Counter(said) == Counter(f"livechat: {kind} is not supported by {title}." for kind in lacking)
    assert visit.get("livechat.state") == "waiting"
    visit.page.click("#x")  # its own link is followed
    visit.page.wait_for_url("**/contact")


@able
@pytest.mark.parametrize("is_ready", [True, False])
def test_a_start_without_an_id_starts_nothing_and_the_console_says_so(
    site: Site, visit: Visit, vendor: str, is_ready: bool
) -> None:
    kind = CAN[vendor][0]
    warnings: list[str] = []
    visit.page.on("console", lambda message: warnings.append(message.text) if "without" in message.text else None)
    site(vendor, LOAD="eager" if is_ready else "manual", extra=f'<i id="x" data-livechat-start="{kind}">X</i>')
    visit.go()
    if is_ready:
        visit.ready()
    for arguments in (f"'{kind}'", f"'{kind}', null", f"'{kind}', ''"):
        assert visit.get(f"livechat.start({arguments})") is False
    visit.page.click("#x")
    visit.eventually(lambda: warnings)
    assert warnings == [f"livechat: {kind} without an id is not supported by {providers.load(vendor).title}."]
    assert visit.get("livechat.state") == ("ready" if is_ready else "waiting")


@able
def test_a_no_to_once_is_a_no_in_each_way_of_saying_it(site: Site, visit: Visit, vendor: str) -> None:
    kind = CAN[vendor][0]
    name, _, number = content(kind).partition(":")
    site(
        vendor, LOAD="eager", extra=f'<i id="x" data-livechat-start="{content(kind)}" data-livechat-once="false">X</i>'
    )
    visit.go()
    visit.ready()
    for once in ("false", "null", "undefined", "'false'"):
        visit.get(f"livechat.start('{name}', '{number}', {{once: {once}}})")
    visit.page.click("#x")
    visit.page.click("#x")
    assert settled(visit, vendor)[kind] == 6


@able
def test_once_holds_over_reload_second_tab_and_logout_and_another_visitor_gets_their_own(
    site: Site, open_visit: Any, vendor: str
) -> None:
    visit = open_visit()
    site(vendor, LOAD="eager")
    visit.go("/login/1")
    visit.ready()
    start_all(visit, vendor)
    start_all(visit, vendor)
    visit.eventually(lambda: counts(visit, vendor) == each(vendor, 1))

    def has_nothing_new(visit: Visit) -> bool:
        visit.ready()
        start_all(visit, vendor)
        return settled(visit, vendor) == each(vendor, 0)

    visit.go()  # a reload
    assert has_nothing_new(visit)
    tab = open_visit.tab(visit.page.context)
    tab.go()
    assert has_nothing_new(tab)
    tab.page.close()
    visit.go("/logout")
    visit.go("/login/1")
    assert has_nothing_new(visit)
    visit.go("/logout")
    visit.go("/login/2")
    visit.ready()
    start_all(visit, vendor)
    visit.eventually(lambda: counts(visit, vendor) == each(vendor, 1))
    visit.go("/switch/1")
    assert has_nothing_new(visit)


@able
def test_once_is_once_a_page_where_storage_is_blocked(site: Site, visit: Visit, vendor: str) -> None:
    visit.page.add_init_script(BLOCKED)
    site(vendor, LOAD="eager")
    for _ in range(2):
        visit.go()
        visit.ready()
        start_all(visit, vendor)
        start_all(visit, vendor)
        visit.eventually(lambda: counts(visit, vendor) == each(vendor, 1))
        assert settled(visit, vendor) == each(vendor, 1)


@able
def test_what_a_visitor_has_had_starts_no_vendor(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="manual")
    visit.go()
    start_all(visit, vendor)
    visit.ready()
    visit.eventually(lambda: counts(visit, vendor) == each(vendor, 1))
    visit.go()
    start_all(visit, vendor)
    visit.until("livechat.state === 'waiting'")
    scripts = [line for line in visit.net.asked(vendor) if "/sandbox/api/" not in line]
    assert len(scripts) == 1  # of the first page


@able
@pytest.mark.parametrize("once", [True, False])
def test_what_a_rule_starts_comes_once_by_default_and_on_every_view_by_choice(
    site: Site, visit: Visit, vendor: str, once: bool
) -> None:
    kind = CAN[vendor][-1]
    more: dict[str, Any] = {} if once else {"once": False}
    site(vendor, LOAD="eager", overrides={"start": content(kind), **more})
    for view in range(2):
        visit.go()
        visit.ready()
        assert settled(visit, vendor)[kind] == (0 if once and view else 1)


@able
def test_an_attribute_with_once_starts_once_and_without_it_each_time(site: Site, visit: Visit, vendor: str) -> None:
    kind = CAN[vendor][0]
    buttons = f"""<button id="once" data-livechat-start="{content(kind)}" data-livechat-once>Once</button>
    <button id="each" data-livechat-start="{content(kind)}">Each time</button>"""
    site(vendor, LOAD="eager", extra=buttons)
    visit.go()
    visit.ready()
    for wanted, button in enumerate(("once", "each", "each"), 1):
        visit.page.click(f"#{button}")
        visit.get("document.querySelector('#once').click()")
        assert settled(visit, vendor)[kind] == wanted


@able
def test_with_the_servers_memory_another_browser_of_the_same_visitor_gets_nothing_again(
    site: Site, open_visit: Any, vendor: str
) -> None:
    kind, had = CAN[vendor][0], set()
    app = site(vendor, LOAD="eager", overrides={"start": content(kind), "once": "server"})

    @app.extensions["livechat"].livechat.start_once
    def first_time(visitor: Visitor, name: str) -> bool:
        is_first = (visitor.id, name) not in had
        had.add((visitor.id, name))
        return is_first

    def asked(visit: Visit) -> bool:
        return any(line.endswith("/livechat/starts") for line in visit.net.log)

    def has(visit: Visit, times: int) -> bool:
        return count(visit, vendor, kind) == times

    for wanted, path in ((1, "/login/1"), (0, "/login/1"), (1, "/login/2")):
        visit = open_visit()
        visit.net.log.clear()
        visit.go(path)
        visit.ready()
        visit.eventually(partial(asked, visit))
        visit.eventually(partial(has, visit, wanted))
        assert settled(visit, vendor)[kind] == wanted
    assert had == {("1", content(kind)), ("2", content(kind))}


@pytest.mark.parametrize("answer", [500, 404, "nonsense"])
@pytest.mark.parametrize("vendor", [next(vendor for vendor in VENDORS if CAN[vendor])])
def test_without_the_servers_answer_nothing_starts_and_the_page_is_well(
    site: Site, visit: Visit, vendor: str, answer: Any
) -> None:
    kind = CAN[vendor][0]
    app = site(vendor, LOAD="eager", overrides={"start": content(kind), "once": "server"})
    app.view_functions["livechat.starts"] = lambda: ("no JSON", answer if isinstance(answer, int) else 200)
    visit.go("/login/1")
    visit.ready()
    visit.eventually(lambda: any(line.endswith("/livechat/starts") for line in visit.net.log))
    assert settled(visit, vendor)[kind] == 0


@able
def test_a_consent_that_is_withdrawn_takes_along_what_was_remembered(site: Site, visit: Visit, vendor: str) -> None:
    site(vendor, LOAD="eager", CONSENT="required")
    visit.go()
    visit.get("livechat.consent(true)")
    visit.ready()
    start_all(visit, vendor)
    visit.until("Object.keys(localStorage).some((key) => key.includes('.once.'))")
    visit.get("livechat.consent(false)")
    visit.until("!Object.keys(localStorage).some((key) => key.includes('.once.'))")
