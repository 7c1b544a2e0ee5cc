"""The words of the made-up product: plans, supplies, docs and posts."""

from __future__ import annotations

from typing import NamedTuple, TypeVar


class Plan(NamedTuple):
    """A row of the pricing table. ``price`` is per month, in euros."""

    slug: str
    name: str
    price: int
    pitch: str
    features: tuple[str, ...]


class Item(NamedTuple):
    """Something the shop sells. ``price`` is in euros."""

    slug: str
    name: str
    price: int
    line: str
    text: str


class Article(NamedTuple):
    """A docs page or a blog post."""

    slug: str
    title: str
    line: str
    paragraphs: tuple[str, ...]


Thing = TypeVar("Thing", Plan, Item, Article)

PLANS = (
    Plan("starter", "Starter", 0, "For one greenhouse.",
         ("2 seats", "60 crops", "Sowing calendar", "Email support")),
    Plan("pro", "Pro", 39, "For a nursery that sells all year.",
         ("12 seats", "Unlimited crops", "Bench planner", "Chat with a grower")),
    Plan("estate", "Estate", 129, "For several sites.",
         ("Unlimited seats", "All sites in one plan", "Stock forecasts", "A named contact")),
)  # fmt: skip

ITEMS = (
    Item("labels", "Weatherproof labels", 14, "500 labels that survive three winters.",
         "Printed from your plan: crop, batch and bench on every label, with a code that opens it on your phone."),
    Item("sensor", "Soil sensor", 49, "Moisture and warmth, every ten minutes.",
         "Push it into a pot and it reports to your bench plan. One battery lasts two seasons."),
    Item("trays", "Propagation trays", 22, "Ten trays with 84 cells each.",
         "Made from recycled plastic and washable. The size is the one our bench planner counts with."),
)  # fmt: skip

DOCS = (
    Article(
        "first-plan",
        "Your first plan",
        "From an empty bench to a sowing list in ten minutes.",
        (
            "Add your benches first: length, width, heated or not. The planner needs nothing else to know what fits.",
            "Then add a crop and its week of sale. Sowing, pricking out and potting on are counted back from there.",
            "Open This week to see what to do. Print it, or keep it open on a phone at the potting bench.",
        ),
    ),
    Article(
        "import",
        "Bring your crop list",
        "Upload a spreadsheet, keep your own names.",
        (
            "Save the list as CSV with one crop a line. The first line holds the names of the columns.",
            "Columns that the planner does not know become notes, so nothing gets lost.",
            "Upload the same file again whenever you like: crops with the same name are updated, never doubled.",
        ),
    ),
    Article(
        "seats",
        "Seats and roles",
        "Who may plan, who may look.",
        (
            "Every seat is one person. Planners change the plan; helpers see their tasks and tick them off.",
            "Remove a person at any time. What they did stays in the history under the seat's name.",
        ),
    ),
)

POSTS = (
    Article(
        "frost-week",
        "Planning for a late frost",
        "Three things to move first, and one that can wait.",
        (
            "A frost in May is too rare to expect and too dear to ignore. Keep a heated bench empty until mid-month.",
            "Move what is in flower first, then what was potted last. Trays on the floor can wait: the ground is warm.",
        ),
    ),
    Article(
        "bench-maths",
        "Bench maths",
        "Why a full greenhouse is slower than a nearly full one.",
        (
            "With every bench taken, each new batch moves two others. Those moves are work nobody planned.",
            "Nurseries that stop at ninety percent pot more plants per hour. Leave the gap on purpose.",
        ),
    ),
)


def find(things: tuple[Thing, ...], slug: str) -> Thing | None:
    """The thing with this slug."""
    return next((thing for thing in things if thing.slug == slug), None)
