"""The paper's claims, each with its rule."""

from dataclasses import dataclass

from hyperx.study.report import rules
from hyperx.study.report.figures import GROUPS, MIXED, Figures
from hyperx.study.report.markdown import table
from hyperx.study.report.rules import COMPETITIVE, FEW, HARMLESS, SIZE_RATIO, TIME_RATIO
from hyperx.study.report.transfer import ORDER, UNITS


@dataclass(frozen=True)
class Claim:
    """A claim of the paper's.

    Attributes:
        paper: its figures there.
        rule: how it is judged.
    """

    text: str
    paper: str
    rule: str
    judge: rules.Judge


def section(figures: Figures) -> str:
    """Return the claims with their verdicts, and the rules."""
    rows, rules = [], []
    for place, claim in enumerate(CLAIMS, start=1):
        found = claim.judge(figures)
        verdict = f"**{found.verdict}**" + (", so far" if found.unfinished and found.verdict != "not measured" else "")
        rows.append([str(place), claim.text, verdict, found.evidence, claim.paper])
        rules.append(f"{place}. {claim.rule}")
    return (
        table(["", "Claim", "Verdict", "Figures here", "In the paper"], rows, left=5)
        + "\n\nPoints, with 95 % intervals of a paired bootstrap over sentences, which know nothing of what another seed "
        f"would score{_noise(figures)}. «So far»: runs that the verdict rests on are missing. The rules, in which a gain is "
        "a difference whose interval lies above zero and that is more than what seeds of a method differ by:\n\n"
        + "\n".join(rules)
    )


def _noise(figures: Figures) -> str:
    if not any(figures.noise(task) for task in ORDER):
        return ""
    groups = GROUPS if figures.unseen else ("all",)
    known = [(UNITS[task], [f"{figures.noise(task, group):.1f}" for group in groups]) for task in ORDER]
    told = " and ".join(f"{', '.join(points)} in {unit}" for unit, points in known)
    return f": here two seeds of a method differ by up to {told} ({', '.join(groups)})"


_EVERY = "Holds: in both tasks; partly: in one."
CLAIMS = [
    Claim(
        "Hyper-X is competitive with MAD-X in English single-task transfer",
        "NER 52.7 against 52.8, POS 63.5 against 65.4",
        f"The interval of Hyper-X less MAD-X lies above −{COMPETITIVE:g} points. {_EVERY}",
        rules.above(("single", "madx"), ("single", "hyperx"), margin=COMPETITIVE),
    ),
    Claim(
        "Training both tasks at once does not hurt transfer from English",
        "NER +0.2, POS +0.1",
        f"The interval of multi-task less single-task Hyper-X lies above −{HARMLESS:g} point. {_EVERY}",
        rules.above(("single", "hyperx"), ("multi", "hyperx"), margin=HARMLESS),
    ),
    Claim(
        "Mixed-language multi-task training beats English multi-task training",
        "NER +9.0, POS +4.3",
        f"It is a gain. {_EVERY}",
        rules.above(("multi", "hyperx"), (MIXED, "hyperx")),
    ),
    *(
        Claim(
            f"Hyper-X beats {label} on zero-shot cells in the mixed setting, seen and unseen",
            paper,
            "Hyper-X's lead is a gain. Holds: in both tasks, seen and unseen; partly: in some of these.",
            rules.above((MIXED, system), (MIXED, "hyperx"), groups=["seen", "unseen"]),
        )
        for system, label, paper in (
            ("finetune", "fine-tuning", "yes"),
            ("psf", "parameter space factorization", "yes"),
            ("single", "one adapter for all", "not in the paper"),
        )
    ),
    Claim(
        "MAD-X trained on several sources is ahead on unseen languages",
        "NER 1.2, POS 2.8",
        f"MAD-X's lead on unseen languages in the mixed setting is a gain. {_EVERY}",
        rules.madx_on_unseen,
    ),
    Claim(
        "Raw text helps, unseen languages most",
        "unseen: NER +6.2, POS +10.5",
        "Two conditions a task: unseen languages gain, and they gain more than seen ones do. Raw text takes its share of "
        "the steps, so that fewer labelled sentences are seen. Holds: all are met; partly: some.",
        rules.mlm,
    ),
    Claim(
        "A source that is closely related to the target helps",
        "Figures 4 and 5",
        "What one more trained relative is worth to Hyper-X, over all targets, is a gain, and more than what the swap "
        f"changes in cells whose relatives stay. {_EVERY}",
        rules.source_helps,
    ),
    Claim(
        "Hyper-X profits more from a related source than fine-tuning",
        "Figures 4 and 5",
        "What one more trained relative is worth is above zero with Hyper-X, and more than with fine-tuning: the interval "
        f"of the difference lies above zero. {_EVERY}",
        rules.source_profits,
    ),
    Claim(
        "Hyper-X gains from few sentences of the target",
        "Figure 6",
        f"The interval of the gain over none lies above zero, over all languages. Holds: in both tasks with every "
        f"number of sentences up to {FEW}; partly: in some of these.",
        rules.few_shot_gains,
    ),
    Claim(
        "With few sentences Hyper-X stays ahead of fine-tuning and MAD-X",
        "Figure 6",
        "The interval of Hyper-X's lead lies above zero, over all languages. Holds: in both tasks with every number of "
        "sentences over both; partly: in some of these.",
        rules.few_shot_leads,
    ),
    Claim(
        "Small is close to Base",
        "7.2 % and 43 % of mBERT's parameters",
        f"The interval of the smaller Hyper-X less the same with a larger d_p lies above −{COMPETITIVE:g} points, "
        f"in the mixed setting. {_EVERY}",
        rules.small,
    ),
    Claim(
        "Hyper-X needs a fraction of MAD-X's parameters",
        "Small 7.2 %, MAD-X 43 % of mBERT's",
        f"It trains less than MAD-X, or the claim does not hold. Three conditions: at least {SIZE_RATIO:.1f} times less, and in "
        f"either task the interval of Hyper-X less MAD-X lies above −{COMPETITIVE:g} points. Holds: all; partly: some.",
        rules.parameters,
    ),
    Claim(
        "Training costs a sixth of MAD-X's",
        "Base 18 h, MAD-X 116 h",
        "Training time on the same device, MAD-X's language adapters in it, as many steps as the benchmark gives each of "
        "them; on a processor its own time, not the clock's. "
        f"Holds: at least {TIME_RATIO:g} times less; partly: less.",
        rules.time,
    ),
]
