"""What TensorFlow says of a graph that failed, without its account of where in the graph it was."""

import re

_MOST_LETTERS = 500
# Of lines: headings, the nodes, where they were defined, and how many errors there are.
_ABOUT_THE_GRAPH = re.compile(
    r"Graph execution error:"
    r"|Detected at node .*"
    r"|<stack traces unavailable>"
    r'|File ".*", line \d+, in .*'
    r"|\[\[\S+\]\]"
    r"|\d+ root error\(s\) found\."
    r"|\d+ successful operations\."
    r"|\d+ derived errors ignored\."
)
# Within a line. What a message quotes in brackets, such as [[1 2][3 4]], stays.
_PLACES = re.compile(r"\[\[\{\{node [^}]*\}\}\]\]|\{\{(?:function_)?node [^}]*\}\}|\[Op:[^\]]*\]")
_OTHER_ERROR = re.compile(r"\(([0-9]+)\) ?[A-Z_]+: ")  # of several, each with its code


def graph_error_text(message: str) -> str:
    """One line of what went wrong.

    Args:
      message: Of a `tf.errors.OpError`.

    Returns:
      The first error that the message tells of, or of a long one its end, where the reason is; the
      whole message where it tells nothing but places.
    """
    kept = []
    for line in message.splitlines():
        text = _PLACES.sub("", line).strip()
        if found := _OTHER_ERROR.match(text):
            if found.group(1) != "0":
                break
            text = text[found.end() :]
        if not _ABOUT_THE_GRAPH.fullmatch(text):
            kept.append(text)
    told = " ".join(" ".join(kept).split()) or " ".join(message.split())
    return told if len(told) <= _MOST_LETTERS else f"... {told[-_MOST_LETTERS:]}"
