"""tfmusicgan-recipes: the list, descriptions, unknown names."""

from tests.cli.commands import refused, run
from tfmusicgan import recipes
from tfmusicgan.cli.recipes import main


def test_lists_every_recipe(capsys):
    assert run(main) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == recipes.names()
    kinds = [recipes.get(name).kind for name in recipes.names()]
    assert all(kind in line for line, kind in zip(lines, kinds, strict=True))


def test_describes_every_hyperparameter(capsys):
    assert run(main, "--describe=musegan_hybrid", "--preset=tiny") == 0
    text = capsys.readouterr().out
    for line in (
        "Presets: paper, small, tiny",
        "  steps_per_beat = 2",
        "  time_kernels = 2,2",
        "  ema_decay = 0.9",
        "  critic_bursts = False",
    ):
        assert line in text.splitlines()
    assert "arxiv.org/abs/1709.06298" in text


def test_paper_is_the_default(capsys):
    assert run(main, "--describe=musegan_hybrid") == 0
    assert "  batch_size = 64" in capsys.readouterr().out.splitlines()


def test_unknown_names(capsys):
    line = refused(capsys, main, "--describe=museg")
    known = ", ".join(recipes.names())
    assert line == f"tfmusicgan-recipes: Unknown recipe 'museg'. Known: {known}."
    line = refused(capsys, main, "--describe=musegan_hybrid", "--preset=big")
    assert "no preset 'big'. Known: paper, small, tiny." in line
