"""MusicXML documents written out by hand."""


def note(step: str, octave: int, duration: int, extra: str = "", tie: str = "") -> str:
    ties = "".join(f'<tie type="{kind}"/>' for kind in tie.split())
    return (
        f"<note>{extra}<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
        f"<duration>{duration}</duration>{ties}<voice>1</voice><type>quarter</type></note>"
    )


def attributes(meter: str = "4/4", fifths: int = 0, mode: str = "major", more: str = "") -> str:
    beats, beat_type = meter.split("/")
    return (
        f"<attributes><divisions>2</divisions><key><fifths>{fifths}</fifths>"
        f"<mode>{mode}</mode></key><time><beats>{beats}</beats>"
        f"<beat-type>{beat_type}</beat-type></time>{more}</attributes>"
    )


def tempo(qpm: float) -> str:
    return f'<direction><sound tempo="{qpm}"/></direction>'


def score(*parts: list[str], programs: tuple[tuple[int, int], ...] = ()) -> bytes:
    """A document of parts, each a list of measures' contents; programs are (channel, program)."""
    heads = bodies = ""
    for index, measures in enumerate(parts):
        midi = ""
        if programs:
            channel, program = programs[index]
            midi = (
                f'<midi-instrument id="I{index}"><midi-channel>{channel}</midi-channel>'
                f"<midi-program>{program}</midi-program></midi-instrument>"
            )
        heads += f'<score-part id="P{index}"><part-name>Part {index}</part-name>{midi}</score-part>'
        body = "".join(f'<measure number="{n}">{m}</measure>' for n, m in enumerate(measures))
        bodies += f'<part id="P{index}">{body}</part>'
    return f"<score-partwise><part-list>{heads}</part-list>{bodies}</score-partwise>".encode()
