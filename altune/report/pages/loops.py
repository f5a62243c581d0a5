"""The page of an examined recipe, which shows what each loop did."""

from __future__ import annotations

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.sentences import loop_sentences
from altune.core.text import counted
from altune.recipes.recipe import Recipe
from altune.report.html.blocks import CodeBlock
from altune.report.html.page import PageContent, render_page
from altune.report.pages.run.intros import did_sentence
from altune.report.pages.run.loops import loops_section
from altune.report.words import DID, USE


def loops_page(facts: LoopFacts, recipe: Recipe) -> str:
    """Return the self-contained HTML page of the result of :func:`altune.examine`.

    Parameters
    ----------
    facts : what each loop did.
    recipe : the examined recipe.
    """
    blocks = counted(facts.blocks, "fresh block")
    return render_page(
        PageContent(
            title=f"What a recipe did on {facts.data}",
            answer=loop_sentences(facts),
            verdict="unclear",
            intros={DID: did_sentence(facts), USE: "The recipe that was examined, as YAML."},
            verdict_text=f"Played on {blocks} of {facts.data}",
            parts=[
                *loops_section(facts),
                CodeBlock(USE, "The recipe:", recipe.to_yaml().rstrip("\n"), "the recipe"),
            ],
        )
    )
