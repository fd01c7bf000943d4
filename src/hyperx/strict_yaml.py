"""YAML from anyone: bounded, and without keys that would be passed over in silence."""

from typing import Any

import yaml

MAX_VALUES = 100_000  # with every alias written out


def parse(text: str) -> Any:
    """Parse YAML.

    Raises:
        ValueError: it is no YAML, nested too deeply, too large with its aliases written out, or holds a key twice; the
            message begins with the line's number where there is one.
    """
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {})
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise ValueError(f"{f'line {mark.line + 1}: ' if mark else ''}not valid YAML: {error.problem}") from error
    except RecursionError:
        raise ValueError("not valid YAML: it is nested too deeply") from None
    except Exception as error:  # whatever the library makes of a value that is not what its tag says
        raise ValueError(f"not valid YAML: {error}") from error


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node holds with its aliases written out."""
    if id(node) in known:
        if not known[id(node)]:
            raise _problem(node, "an alias stands inside what it names")
        return known[id(node)]
    known[id(node)] = 0
    size = 1
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if len(set(keys)) < len(keys):
            raise _problem(node, "a key stands twice among the keys that begin here")
        size += sum(_size(part, known) for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        size += sum(_size(part, known) for part in node.value)
    else:
        node.value.encode()  # half a character of an escape is none
    if size > MAX_VALUES:
        raise _problem(node, f"more than {MAX_VALUES:,} values")
    known[id(node)] = size
    return size


def _problem(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
