"""What GANSynth's paper reports (Engel et al. 2019, tables 1 and 2), and what is measured here."""

METRICS = (
    "pitch_accuracy",
    "pitch_entropy",
    "inception_score",
    "frechet_distance",
    "ndb",
    "estimated_pitch",
    "spectrum",
    "level",
    "silent_notes",
)

_COLUMNS = (
    "ndb/bins",
    "frechet_distance/features",
    "inception_score/pitches",
    "pitch_accuracy/within_semitone",
    "pitch_entropy/nats",
)
_ROWS = {
    "real data": (2.2, 13.0, 47.1, 0.982, 0.22),
    "IF-Mel + H": (29.3, 167.0, 38.1, 0.979, 0.40),
    "IF + H": (36.0, 104.0, 41.6, 0.983, 0.32),
    "Phase + H": (37.6, 592.0, 36.2, 0.976, 0.44),
    "IF-Mel": (37.0, 600.0, 29.6, 0.941, 0.63),
    "IF": (37.0, 708.0, 36.3, 0.968, 0.44),
    "Phase": (41.4, 687.0, 24.4, 0.944, 0.77),
    "waveform, not progressive": (48.2, 447.0, 14.8, 0.963, 1.61),
    "waveform, progressive": (45.0, 375.0, 2.5, 0.567, 3.59),
    "WaveNet": (45.9, 320.0, 29.1, 0.927, 0.70),
    "WaveGAN": (43.0, 461.0, 13.7, 0.827, 1.40),
}
PUBLISHED = {name: dict(zip(_COLUMNS, row, strict=True)) for name, row in _ROWS.items()}
NOTES = (
    "The published figures are of NSynth's acoustic notes.",
    "The published figures are of another classifier, trained on NSynth, of 12,800 samples, and of "
    "an accuracy that counts a semitone as right.",
    "Published Frechet distances may be of the first 128 clips alone, as in the released code.",
    "Published cells of NDB are of log-spectrograms, of which no more is said; here they are of "
    "log-mel spectra, averaged over 16 stretches of time.",
)
