"""What clients send, sound and malformed, and what they must get."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from random import Random
from typing import Any, Literal

from torch import Tensor

from hyperx.data.catalog import languages, load_splits
from hyperx.data.sentence import Sentence
from hyperx.modeling import HyperX
from hyperx.serve.limits import Limits
from hyperx.tasks import Task, is_auxiliary
from hyperx.text.formats import to_dict
from hyperx.text.sentence import TaggedSentence, TaggedText
from hyperx.text.tagger import layer

Verdict = Literal["equal", "tied", "wrong"]

MARK = "Zxqsoak"  # in all that is sent: no log may have it
KEY = "a-key-that-no-log-may-have"
SOUND = 0.9  # share of the requests that are
ROUNDING = 0.05  # of a score


@dataclass(frozen=True, eq=False)
class Told:
    """What the tagger says of a sentence, and what it scored there."""

    tagged: TaggedSentence
    task: Task
    scores: Tensor
    temperature: float

    @cached_property
    def expected(self) -> Any:
        """What a client is to read."""
        return as_json(self.tagged)

    def judge(self, given: Any) -> Verdict:
        """Compare an answer with it: where another tag came, it is a tie if the tagger scores both the same.

        Only a task that is `exclusive` says how likely a tag is that it did not choose.
        """
        if alike(given, self.expected):
            return "equal"
        own = self.tagged.layers[self.task.name]
        tags = given.get(f"{self.task.name}_tags") if isinstance(given, dict) and self.task.exclusive else None
        if not isinstance(tags, list) or len(tags) != len(own.tags) or any(tag not in self.task.labels for tag in tags):
            return "wrong"
        other = layer(self.task, tags, self.scores, self.tagged.sentence, self.temperature)
        told = as_json(TaggedSentence(self.tagged.sentence, {self.task.name: other}))
        return "tied" if alike(given, told) and alike(list(other.scores), list(own.scores)) else "wrong"


@dataclass(frozen=True)
class Asked:
    """An input of a request and what the tagger says of its sentences."""

    input: dict[str, Any]
    sentences: list[Told]

    def judge(self, given: Sequence[Any]) -> Verdict:
        """Compare the sentences of an answer with them."""
        return judge_each(self.sentences, given)


def judge_each(expected: Sequence[Told | Asked], given: Sequence[Any]) -> Verdict:
    """Return the worst of the verdicts; what is lacking is wrong, as is what is too much."""
    if len(given) != len(expected):
        return "wrong"
    found = {own.judge(one) for own, one in zip(expected, given, strict=True)}
    return "wrong" if "wrong" in found else "tied" if "tied" in found else "equal"


@dataclass(frozen=True)
class Request:
    """What is sent, and what must come.

    Attributes:
        data: the bytes, head and body.
        status: of the answer; 0 where the connection is to be ended without one.
        reason: of a refusal.
        asked: the inputs of a sound request.
        how: whole; or with the sending side closed after it; or cut off in its body, and then closed, or held open.
    """

    kind: str
    data: bytes
    status: int = 200
    reason: str = ""
    asked: Sequence[Asked] = ()
    how: Literal["whole", "half-closed", "cut", "held"] = "whole"


def ask_offline(model: HyperX, sentences: int) -> list[Asked]:
    """Tag sentences in each cell; every fourth is raw text, and each cell has one with `MARK`.

    A language that the starter corpus lacks gets the sentences of one that it has.
    """
    asked, at_hand = [], sorted(languages("starter", "pos"))
    for place, code in enumerate(sorted(model.model_config.languages)):
        source = code if code in at_hand else at_hand[place % len(at_hand)]
        words = [list(one.words) for one in load_splits("starter", "pos", source)["test"][:sentences]]
        given = [" ".join(own) if number % 4 == 3 else own for number, own in enumerate([[MARK, *words[0]], *words])]
        for task in model.tasks:
            if is_auxiliary(task):
                continue
            tagger, temperature = model.tagger(task, code), model.model_config.temperatures.get(task, 1.0)
            for one, tagged in zip(given, tagger.pipe(given), strict=True):
                own = tagged.sentences if isinstance(tagged, TaggedText) else [tagged]
                scores = tagger.taggers[task].scores([Sentence(sentence.words) for sentence in own])
                form = {"text": one} if isinstance(one, str) else {"tokens": one}
                told = [Told(mine, model.tasks[task], row, temperature) for mine, row in zip(own, scores, strict=True)]
                asked.append(Asked(form | {"language": code, "tasks": [task]}, told))
    return asked


def as_json(tagged: TaggedSentence) -> Any:
    """Return what a client reads."""
    return json.loads(json.dumps(to_dict(tagged)))


def sound(asked: Sequence[Asked], seed: int, *, inputs: int = 4) -> Iterator[Request]:
    """Yield requests without end, each of one to so many inputs of any cells."""
    random = Random(seed)
    while True:
        own = random.sample(asked, random.randint(1, inputs))
        yield Request("sound", post({"inputs": [one.input for one in own]}), asked=own)


def mixed(asked: Sequence[Asked], seed: int, limits: Limits) -> Iterator[Request]:
    """Yield requests without end, malformed ones among them."""
    random, good = Random(seed), sound(asked, seed)
    broken = cycle(malformed(asked, random, limits))
    while True:
        yield next(good) if random.random() < SOUND else next(broken)


def malformed(asked: Sequence[Asked], random: Random, limits: Limits) -> list[Request]:
    """Return requests that must be refused, and one that must not: it says all before it closes its side.

    One of a hundred is held open, as it keeps its client waiting until the server's patience ends.
    """
    one = random.choice(asked)
    body = {"inputs": [one.input]}
    whole = post(body)
    short = whole[: -len(MARK)]
    text = {"text": f"{MARK} ", "language": one.input["language"], "tasks": one.input["tasks"]}
    refused = [
        Request("broken JSON", post(None, content=f'{{"inputs": [{MARK}'.encode()), 422, "invalid_request"),
        Request("no Unicode", post(None, content=b'{"inputs": "\xff"}'), 400, "invalid_request"),
        Request("nested deeply", post(None, content=b'{"inputs":' + b"[" * 20_000), 400, "invalid_request"),
        Request("no inputs", post({"inputs": []}), 422, "invalid_request"),
        Request("empty body", post(None, content=b""), 422, "invalid_request"),
        Request("unknown field", post({"inputs": [one.input], MARK: 1}), 422, "invalid_request"),
        Request("unknown task", post({"inputs": [text | {"tasks": [MARK]}]}), 404, "unknown_pair"),
        Request("unknown language", post({"inputs": [text | {"language": "qqq"}]}), 404, "unknown_pair"),
        Request("long text", post({"inputs": [text | {"text": MARK * limits.characters}]}), 413, "too_long"),
        Request("many inputs", post({"inputs": [text] * (limits.inputs + 1)}), 422, "too_many_inputs"),
        Request("large body", post(None, content=b" " * (limits.body_bytes + 1)), 413, "body_too_large"),
        Request("wrong key", post(body, key=MARK), 401, "wrong_key"),
        Request("no key", post(body, key=None), 401, "wrong_key"),
        Request("no HTTP", f"{MARK}\0\r\n\r\n".encode(), 400),
        Request("cut off", short, 0, how="cut"),
        Request("half-closed", whole, asked=[one], how="half-closed"),
    ]
    return [*(refused * 7)[:99], Request("slow", short, 408, "too_slow", how="held")]


def post(body: Any, *, content: bytes | None = None, key: str | None = KEY) -> bytes:
    """Return a request to `/tag`."""
    if content is None:
        content = json.dumps(body, ensure_ascii=False).encode()
    head = ["POST /tag?q=" + MARK + " HTTP/1.1", "Host: soak", f"User-Agent: {MARK}", "Content-Type: application/json"]
    head += [f"Content-Length: {len(content)}", *([] if key is None else [f"X-API-Key: {key}"])]
    return "\r\n".join([*head, "", ""]).encode() + content


def alike(given: Any, expected: Any) -> bool:
    """Whether an answer is what was expected: scores as near as bfloat16 rounds them in other batches, all else equal."""
    if isinstance(expected, float):
        return isinstance(given, int | float) and abs(given - expected) <= ROUNDING
    if isinstance(expected, dict):
        return (
            isinstance(given, dict)
            and given.keys() == expected.keys()
            and all(alike(given[key], own) for key, own in expected.items())
        )
    if isinstance(expected, list):
        return isinstance(given, list) and len(given) == len(expected) and all(map(alike, given, expected))
    return bool(given == expected)
