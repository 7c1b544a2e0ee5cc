"""``python -m benchmarks.articles``: the search over 300 articles of 500 words: its time, its index, its memory."""

from __future__ import annotations

import multiprocessing
import random
import resource
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from statistics import median, quantiles

ARTICLES, WORDS, VOCABULARY, QUESTIONS = 300, 500, 8000, 2000
SYLLABLES = (
    "ba ber cal con den der ed en er fi gra ing ion ist ka lo ly ment mo na ness or pre re so ta ti un ver wa".split()
)
LIMITS = {"median ms": 2.0, "p99 ms": 10.0, "index s": 1.5, "memory MB": 20.0}


def words_of(choice: random.Random) -> tuple[list[str], list[float]]:
    """Words, and how often each of them comes: by Zipf's law, as in a language."""
    made = {"".join(choice.choices(SYLLABLES, k=choice.randint(1, 4))) for _ in range(VOCABULARY * 2)}
    words = sorted(made, key=len)[:VOCABULARY]
    return words, [*accumulate(1 / rank for rank in range(1, len(words) + 1))]


def write(root: Path, choice: random.Random) -> list[str]:
    """Write the articles, and return questions of two to eight words, one in four with a typo."""
    words, weights = words_of(choice)
    folder = root / "en" / "topic"
    folder.mkdir(parents=True)
    for number in range(ARTICLES):
        body = " ".join(choice.choices(words, cum_weights=weights, k=WORDS))
        title = " ".join(choice.choices(words, cum_weights=weights, k=6))
        (folder / f"article-{number}.md").write_text(f"---\ntitle: How {title} {number}?\n---\n{body}\n")
    questions = []
    for _ in range(QUESTIONS):
        asked = choice.choices(words, cum_weights=weights, k=choice.randint(2, 8))
        if choice.random() < 0.25:
            asked[0] = asked[0][:-2] + asked[0][-1:]
        questions.append(" ".join(asked))
    return questions


def memory_mb() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def measure(root: Path, place: Path, questions: list[str]) -> dict[str, float]:
    from flask_livechat import LiveChat  # noqa: F401, PLC0415 - what an app has loaded anyway

    before = memory_mb()
    from flask_livechat.help.articles import Articles  # noqa: PLC0415 - a part of what is measured
    from flask_livechat.help.folder import Reader  # noqa: PLC0415
    from flask_livechat.help.search import Index  # noqa: PLC0415

    start = time.perf_counter()
    folder = Reader(root, lambda locale, path: f"/help/{locale}/{path}").read(None)
    read_s = time.perf_counter() - start
    articles = Articles(folder, "/help", "/help", None, Index(place))
    start, own_start = time.perf_counter(), time.process_time()
    articles.search("first")
    index_s, own_index_s = time.perf_counter() - start, time.process_time() - own_start
    times, own = [], []
    for question in questions:
        start, own_start = time.perf_counter(), time.process_time()
        articles.search(question)
        times.append((time.perf_counter() - start) * 1000)
        own.append((time.process_time() - own_start) * 1000)
    cuts, own_cuts = quantiles(times, n=100), quantiles(own, n=100)
    return {
        "median ms": median(times),
        "p99 ms": cuts[98],
        "index s": index_s,
        "median ms, own": median(own),  # what other processes take of the machine is not in it
        "p99 ms, own": own_cuts[98],
        "index s, own": own_index_s,
        "read s": read_s,
        "memory MB": memory_mb() - before,
    }


def main() -> int:
    """Measure in a process that makes the index, and in one that finds it there."""
    with tempfile.TemporaryDirectory() as folder:
        root, place = Path(folder) / "help", Path(folder) / "instance"
        questions = write(root, random.Random(1))  # noqa: S311 - the same text in every run
        context = multiprocessing.get_context("spawn")
        for name in ("makes the index", "finds it there"):
            with context.Pool(1) as pool:
                figures = pool.apply(measure, (root, place, questions))
            for figure, value in figures.items():
                limit = f" (at most {LIMITS[figure]:g})" if figure in LIMITS else ""
                print(f"{name}: {figure}: {value:.2f}{limit}")
        size = sum(file.stat().st_size for file in place.iterdir())
        print(f"the file: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
