"""The report page as text: what it holds, in which order, and that nothing in it becomes markup."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.resources import files

import plotly.graph_objects as go
import pytest
from jinja2 import UndefinedError

from altune.report import CodeBlock, FactsBlock, FigureBlock, PageContent, TableBlock, TextBlock, render_page
from altune.report.html.page import templates
from tests.helpers.report_samples import EVIL, content, example_curves, example_matched, example_trials


class Outline(HTMLParser):
    """What a page holds: its elements, and the text of those that are read aloud."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] != "script":
            self.text.append(data)


@pytest.fixture(scope="module")
def page() -> str:
    return render_page(content(example_curves(), example_matched(), example_trials()))


def test_page_needs_nothing_from_outside(page: str) -> None:
    outline = Outline(page)
    sources = [value for _, name, value in outline.attributes if name in {"src", "href", "srcset", "data"}]
    assert {source for source in sources if not source.startswith("#")} == {"data:,"}
    assert "default-src 'none'" in page
    assert page.count("plotly.js v") <= 1


def test_page_answers_in_the_order_of_the_questions(page: str) -> None:
    wanted = ["Better than every baseline", "Before you rely on it"]
    asked = ["Is it better?", "How was it found?", "How was it measured?", "How to use it"]
    headings = [re.sub("<.*?>", "", text) for text in re.findall(r"<h2[^>]*>(.*?)</h2>", page)]
    assert [text.lstrip("✓ ") for text in headings] == wanted + asked
    links = re.findall(r'<li><a href="#(section-\d)">(.*?)</a></li>', page)
    assert [text for _, text in links] == asked
    assert all(f'<h2 id="{name}">{text}</h2>' in page for name, text in links)
    tags = Outline(page).tags
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.count("figcaption") == tags.count("figure") == 3
    assert page.count('<p class="caption"') == page.count("<table aria-labelledby=") == tags.count("table") == 1
    assert '<html lang="en">' in page


def test_page_without_figures_carries_no_plotly() -> None:
    small = render_page(PageContent("digits", ["Nothing beats random sampling."], "not better"))
    assert len(small) < 20_000
    assert "✕ Worse than a baseline" in small
    assert 'class="answer not-better"' in small


def test_the_first_sentence_of_the_answer_is_the_large_one() -> None:
    page = render_page(PageContent("digits", ["Keep margin. It saves 1.5 labels.", "The recipe: a. b."], "better"))
    assert re.findall("<p.*</p>", page)[1:4] == [
        '<p class="first">Keep margin. </p>',
        "<p>It saves 1.5 labels.</p>",
        "<p>The recipe: a. b.</p>",
    ]


def test_numbers_are_set_right_and_words_left(page: str) -> None:
    assert '<td class="number">0.848</td>' in page
    assert "<td>switch</td>" in page


def test_every_text_of_the_page_is_escaped() -> None:
    figure = go.Figure(go.Scatter(x=[1], y=[1], name=EVIL))
    page = render_page(
        PageContent(
            title=EVIL,
            answer=[EVIL, EVIL],
            verdict="unclear",
            verdict_text=EVIL,
            highlights=[(EVIL, EVIL)],
            parts=[
                FigureBlock(EVIL, EVIL, figure, '" onload="alert(1)'),
                TableBlock(EVIL, [EVIL, EVIL], [[EVIL, EVIL]], EVIL, EVIL),
                CodeBlock(EVIL, EVIL, EVIL, EVIL),
                FactsBlock(EVIL, [(EVIL, EVIL)]),
                TextBlock(EVIL, [EVIL]),
                TextBlock("another", [EVIL]),
                TextBlock("and another", [EVIL]),
            ],
            advice=[EVIL],
        )
    )
    assert EVIL not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 18
    outline = Outline(page)
    assert outline.tags.count("script") == 3, "one for the figure's data, plotly, and the page's own"
    assert len(re.findall("</script|<!--", page, re.IGNORECASE)) == 3, "no text ends or hides a script"
    assert not [name for _, name, _ in outline.attributes if name.startswith("on")]


def test_templates_escape_and_refuse_unknown_names() -> None:
    assert templates().autoescape is True
    assert templates().from_string("{{ name }}").render(name=EVIL) == "&lt;script&gt;alert(1)&lt;/script&gt;"
    with pytest.raises(UndefinedError, match="unknown"):
        templates().from_string("{{ unknown }}").render()
    for name in templates().list_templates(extensions=["html"]):
        assert not re.search(r"\|\s*safe|autoescape", (files("altune.report.html") / name).read_text("utf-8"))


def test_only_addresses_beside_the_page_are_linked() -> None:
    links = ["a b/report.html", "", "javascript:alert(1)"]
    table = TableBlock("Cells", ["cell", "gain"], [["a", "1"], ["b", "2"], ["c", "3"]], links=links)
    page = render_page(PageContent("sweep", ["Done."], "better", parts=[table]))
    assert re.findall('<th scope="row">(.*)</th>', page) == [
        '<a href="a%20b/report.html">a</a>',
        "b",
        '<a href="javascript%3Aalert%281%29">c</a>',
    ]


def test_a_row_of_another_length_is_refused() -> None:
    table = TableBlock("Cells", ["cell", "gain"], [["a", "1"], ["b"]])
    with pytest.raises(ValueError, match="zip"):
        render_page(PageContent("sweep", ["Done."], "better", parts=[table]))


@pytest.mark.parametrize("kind", ["Code", "Facts", "Figure", "Table", "Text"])
def test_the_old_name_of_a_block_works_with_one_warning(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import altune.report

    monkeypatch.delitem(vars(altune.report), f"{kind}Part", raising=False)
    with pytest.warns(FutureWarning, match=f"altune.report.{kind}Block") as warned:
        exec(f"from altune.report import {kind}Part", names := {})
    assert len(warned) == 1
    assert names[f"{kind}Part"] is getattr(altune.report, f"{kind}Block")


@pytest.mark.slow
def test_importing_the_report_does_not_load_plotly() -> None:
    code = "import sys, altune.report as r; assert 'plotly' not in sys.modules; r.plot_differences"
    code += "; assert 'plotly' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


def test_an_unknown_name_of_the_report_is_an_attribute_error() -> None:
    import altune.report

    assert set(altune.report.__all__) <= set(dir(altune.report))
    with pytest.raises(AttributeError, match="plot_nothing"):
        _ = altune.report.plot_nothing
