"""The runs that each study takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperx.config import RunConfig
from hyperx.errors import HyperXError
from hyperx.methods import MADXConfig, PSFConfig
from hyperx.study.benchmark import LANGUAGE_ADAPTERS, MIXED_ONLY, OTHER_HYPERX, TASKS, WITH_RAW_TEXT, Benchmark, FewShot

VARIANT = "-mlm-"  # between a method's name and whose raw text it learns from
TEXTS = ("all", "unseen", "none")  # the languages whose raw text Hyper-X learns from


@dataclass(frozen=True, eq=False)
class Run:
    """A run of a study.

    Attributes:
        setting: ``single-pos``, ``single-ner``, ``multi``, ``mixed-1`` and on, ``swapped-1`` and on, ``few-shot``.
        system: a method's name in the benchmark; with what was changed, ``hyperx-mlm-none``.
        needs: a run to be finished before.
        group: runs of the same are short ones that one process trains.
    """

    setting: str
    system: str
    seed: int
    config: RunConfig
    needs: str | None = None
    group: str | None = None

    @property
    def name(self) -> str:
        return self.config.name


@dataclass(frozen=True)
class Planner:
    """Makes a benchmark's runs at one of its scales, in folders under `folder`."""

    benchmark: Benchmark
    scale: str
    folder: Path

    def transfer(self) -> list[Run]:
        """Plan every method in every setting (Üstün et al. 2022, Table 2)."""
        settings = [f"single-{task}" for task in TASKS] + ["multi"]
        runs = [
            self.run(setting, system)
            for setting in settings
            for system in self.benchmark.methods
            if system not in MIXED_ONLY
        ]
        return self._with_language_adapters(runs + self._mixed())

    def efficiency(self) -> list[Run]:
        """Plan every method in the mixed setting, whose costs are compared (Table 3)."""
        return self._with_language_adapters(self._mixed())

    def mlm(self) -> list[Run]:
        """Plan Hyper-X with raw text of all, of only the unseen, and of no languages (Figure 3), also from English alone."""
        systems = [self.with_text(text) for text in TEXTS]
        return [self.run(setting, system) for setting in [*self._partitions(), "multi"] for system in systems]

    def with_text(self, text: str) -> str:
        """Return what Hyper-X with raw text of ``all``, of ``unseen`` or of ``none`` is called: ``hyperx`` if that is usual."""
        return "hyperx" if text == self._usual_text("hyperx") else f"hyperx{VARIANT}{text}"

    def _usual_text(self, system: str) -> str:
        readers = self.benchmark.scales[self.scale].raw_text
        return "all" if readers is None or system in readers else "none"

    def sources(self) -> list[Run]:
        """Plan Hyper-X and fine-tuning before and after languages swap partitions (Figures 4 and 5)."""
        settings = self._partitions() + [name.replace("mixed", "swapped") for name in self._partitions()]
        systems = [system for system in ("hyperx", "finetune") if system in self.benchmark.methods]
        return [self.run(setting, system) for setting in settings for system in systems]

    def few_shot(self) -> list[Run]:
        """Plan a few labelled sentences for the models that know both tasks from English (Figure 6)."""
        study = self.benchmark.scales[self.scale].few_shot
        if study is None:
            return []
        sources = {system: self.run("multi", self.few_shot_start(system)) for system in study.methods}
        few = [
            self._few_shot(study, system, source, task, language, size, draw)
            for system, source in sources.items()
            for task in TASKS
            for language in study.languages
            for size in study.sizes
            for draw in range(1, 1 + study.draws)
        ]
        return self._with_language_adapters([*sources.values(), *few])

    def few_shot_start(self, system: str) -> str:
        """Return whose English model a method's runs on few sentences start from."""
        study = self.benchmark.scales[self.scale].few_shot
        own = study.methods.get(system) if study else None
        return self.with_text("all") if own and own.raw_text else system

    def _few_shot(
        self, study: FewShot, system: str, source: Run, task: str, language: str, size: int, draw: int
    ) -> Run:
        group = f"few-shot-{system}-{task}-{language}"
        schedule = study.methods[system].model_dump(exclude={"raw_text"})
        training = source.config.training.model_copy(update={**schedule, "dev_sentences": 0})
        config = self._config(
            f"{group}-{size}-draw{draw}",
            seed=draw,
            start=str(source.config.folder),
            method=source.config.method,
            train={task: [language]},
            evaluate={task: [language]},
            training=training,
        )
        drawn = [entry.model_copy(update={"max_sentences": size, "draw": draw}) for entry in config.data]
        return Run("few-shot", system, draw, config.model_copy(update={"data": drawn}), needs=source.name, group=group)

    def _partitions(self) -> list[str]:
        return [f"mixed-{number}" for number in range(1, len(self.benchmark.partitions) + 1)]

    def _mixed(self) -> list[Run]:
        # The first seeds come first, so that a study that is cut short has every method's.
        return [
            self.run(setting, system, seed)
            for seed in range(1, 1 + self.benchmark.scales[self.scale].seeds)
            for system in self.benchmark.methods
            for setting in self._partitions()
            if seed == 1 or system not in OTHER_HYPERX
        ]

    def _with_language_adapters(self, runs: list[Run]) -> list[Run]:
        needed = any(run.needs == LANGUAGE_ADAPTERS for run in runs)
        return ([self.language_adapters()] if needed else []) + runs

    def run(self, setting: str, system: str, seed: int = 1) -> Run:
        """Make a run; a system ``hyperx-mlm-unseen`` has another choice of raw text than ``hyperx``."""
        entry = self.benchmark.methods[base(system)]
        train: dict[str, Any] = self._labelled(setting)
        scored: dict[str, Any] = {task: "all" for task in train}
        text = system.partition(VARIANT)[2] or self._usual_text(system)
        if entry.method.name in WITH_RAW_TEXT and text != "none":
            train |= {"mlm": self.benchmark.unseen if text == "unseen" else "all"}
        needs = None
        method = entry.method
        if isinstance(method, MADXConfig):
            needs = LANGUAGE_ADAPTERS
            method = method.model_copy(update={"language_adapters": self.folder / LANGUAGE_ADAPTERS})
        if isinstance(method, PSFConfig):  # it knows the languages of its labels, and no other
            labelled = sorted({language for languages in train.values() for language in languages})
            scored = {task: labelled for task in train}
        config = self._config(
            f"{setting}-{system}-seed{seed}",
            seed=seed,
            method=method,
            train=train,
            evaluate=scored,
            training=self.benchmark.scales[self.scale].training_of(base(system)),
        )
        return Run(setting, system, seed, config, needs)

    def language_adapters(self) -> Run:
        """Make the run that trains MAD-X's language adapters, each as often as the others."""
        scale = self.benchmark.scales[self.scale]
        steps = scale.language_steps * (1 + len(self.benchmark.languages))
        methods = {system: entry.method for system, entry in self.benchmark.methods.items()}
        system, method = next((system, method) for system, method in methods.items() if isinstance(method, MADXConfig))
        config = self._config(
            LANGUAGE_ADAPTERS,
            seed=1,
            method=method,
            train={"mlm": "all"},
            training=scale.training_of(LANGUAGE_ADAPTERS).model_copy(
                update={"steps": steps, "temperature": 1e9, "eval_steps": min(1000, steps)}
            ),
        )
        return Run(LANGUAGE_ADAPTERS, system, 1, config)

    def _labelled(self, setting: str) -> dict[str, Any]:
        kind, _, which = setting.partition("-")
        if kind == "single":
            return {which: [self.benchmark.source]}
        if kind == "multi":
            return {task: [self.benchmark.source] for task in TASKS}
        return dict(self.benchmark.mixed(int(which), swapped=kind == "swapped"))

    def _config(self, name: str, **values: Any) -> RunConfig:
        return RunConfig(
            name=name,
            output=self.folder / name,
            backbone=self.benchmark.backbone,
            data=self.benchmark.data,
            **values,
        )


def base(system: str) -> str:
    """Return the benchmark's method that a system is a variant of: ``hyperx`` for ``hyperx-mlm-none``."""
    return system.partition(VARIANT)[0]


def of_methods(runs: Sequence[Run], methods: Sequence[str]) -> list[Run]:
    """Return the runs of some methods, their variants among them, and what these runs need.

    Args:
        runs: of a study; what a run needs comes before it.

    Raises:
        HyperXError: there is no run of one of the methods.
    """
    known = dict.fromkeys(name for run in runs for name in (base(run.system), run.system))
    if unknown := [method for method in methods if method not in known]:
        raise HyperXError(f"the study has no run of {', '.join(unknown)}; give --method one of {', '.join(known)}")
    chosen: list[Run] = []
    for run in reversed(runs):
        if {base(run.system), run.system} & set(methods) or run.name in {other.needs for other in chosen}:
            chosen.insert(0, run)
    return chosen


STUDIES: dict[str, Callable[[Planner], list[Run]]] = {
    "transfer": Planner.transfer,
    "efficiency": Planner.efficiency,
    "mlm": Planner.mlm,
    "sources": Planner.sources,
    "few-shot": Planner.few_shot,
}
