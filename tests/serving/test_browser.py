"""serving/clients/browser: its JavaScript in Node, the page in a headless browser."""

import http.server
import json
import pathlib
import shutil
import subprocess
import threading
import urllib.parse

import numpy as np
import pytest
from matplotlib import image

from tests.serving import chromium, toy_models
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.wav_file import wav_bytes
from tfmusicgan.serving.server import json_text

BROWSER = pathlib.Path(__file__).parents[2] / "serving" / "clients" / "browser"


def node(script: str, *arguments: str) -> object:
    """What a script for Node prints, as JSON."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node is not installed")
    start = f"const client = require({json.dumps(str(BROWSER / 'client.js'))});"
    command = [program, "-e", start + script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sequence() -> NoteSequence:
    """Every field that is read, and some that are not."""
    music = NoteSequence(id="ä", ticks_per_quarter=220, total_time=4.25)
    music.time_signatures.add(numerator=3, denominator=4)
    music.tempos.add(qpm=87.5)
    music.tempos.add(time=2, qpm=200)
    music.notes.add(pitch=60, velocity=127, end_time=0.5, pitch_name=1, quantized_end_step=4)
    music.notes.add(pitch=127, velocity=1, start_time=1 / 3, end_time=4, instrument=300, program=24)
    music.notes.add(pitch=36, velocity=80, start_time=2, end_time=2.25, instrument=9, is_drum=True)
    music.source_info.encoding_type = 3
    music.pitch_bends.add(bend=-8192)  # a negative number: ten bytes
    return music


def test_note_sequences_are_decoded():
    music = sequence()
    code = "const bytes = Uint8Array.from(JSON.parse(process.argv[1]));"
    code += "console.log(JSON.stringify(client.decodeNoteSequence(bytes)));"
    decoded = node(code, json.dumps(list(music.SerializeToString())))
    assert (decoded["totalTime"], decoded["qpm"]) == (4.25, 87.5)
    assert decoded["notes"] == [
        {
            "pitch": note.pitch,
            "velocity": note.velocity,
            "start": note.start_time,
            "end": note.end_time,
            "instrument": note.instrument,
            "program": note.program,
            "isDrum": note.is_drum,
        }
        for note in music.notes
    ]
    cut = list(music.SerializeToString()[:-3])
    code = "try { client.decodeNoteSequence(Uint8Array.from(JSON.parse(process.argv[1]))) }"
    code += "catch (error) { console.log(JSON.stringify(error.message)) }"
    assert node(code, json.dumps(cut)) == "Expected the rest of a message."
    assert node("console.log(JSON.stringify(client.decodeNoteSequence(new Uint8Array())))") == {
        "notes": [],
        "totalTime": 0,
        "qpm": 120,
    }


def test_pieces_come_over_rest_byte_by_byte(rest_server):
    code = """
      const server = "http://" + process.argv[1];
      client.ask(server, "toy", [5, 130, 200]).then(async (pieces) => {
        const bytes = pieces.map((piece) => Array.from(piece));
        const error = await client.ask(server, "nix", [1]).catch((error) => error.message);
        console.log(JSON.stringify({bytes, error}));
      });"""
    answer = node(code, rest_server.server.rest.address)
    assert [bytes(piece) for piece in answer["bytes"]] == [
        toy_models.note_sequence_bytes(seed) for seed in (5, 130, 200)
    ]
    assert answer["error"] == "Servable not found for request: Latest(nix)"


def test_any_bytes_survive():
    code = "const bytes = Uint8Array.from(Array(30000).keys(), (i) => i % 256);"
    code += "const text = client.bytesToText(bytes);"
    code += "console.log(JSON.stringify(Buffer.from(client.textToBytes(text)).equals(bytes)))"
    assert node(code) is True


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with chromium.page(tmp_path_factory.mktemp("browser")) as page:
        yield page


STATUS = "document.getElementById('status')"


def url(**query: str) -> str:
    return f"{(BROWSER / 'index.html').as_uri()}?{urllib.parse.urlencode(query)}"


def test_the_page_shows_and_plays_a_piece(page, rest_server, tmp_path):
    server = f"http://{rest_server.server.rest.address}"
    page.open(url(server=server))
    page.value("element('model').value = 'toy'; element('seed').value = 60")
    page.value("element('form').requestSubmit()")
    page.wait_for(f"{STATUS}.textContent === '1 notes, 1.0 s, 120 quarter notes a minute'")
    assert page.value("element('save').download") == "piece_60.notes"
    saved = (
        "fetch(element('save').href).then(async (r) => [...new Uint8Array(await r.arrayBuffer())])"
    )
    assert bytes(page.value(saved)) == toy_models.note_sequence_bytes(60)
    page.screenshot(tmp_path / "page.png")
    picture = image.imread(tmp_path / "page.png")[..., :3]
    # The only note, a blue one, fills a fifth of the roll's height.
    coloured = picture.max(axis=-1) - picture.min(axis=-1) > 0.2
    assert coloured.mean() > 0.05
    assert np.argmax(picture[coloured].mean(axis=0)) == 2
    page.value("element('play').click()")
    page.wait_for("audio.currentTime > 0.3")
    page.value("element('stop').click()")
    page.open(url(server=server, model="nix", seed="1"))
    page.wait_for(f"{STATUS}.textContent === 'Servable not found for request: Latest(nix)'")
    assert page.value(f"{STATUS}.className") == "error"


class SoundServer(http.server.BaseHTTPRequestHandler):
    """Answers as TensorFlow Serving does for a model of notes: 0.5 s of a sine, peak 0.5."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        samples = np.sin(np.arange(8000) * 1.2) * (1 << 14)
        body = json_text.rows({"wav": np.array([wav_bytes(samples, 16000)], object)})
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def sound_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SoundServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_page_shows_a_sound(page, sound_server):
    page.open(url(server=sound_server, model="notes", seed="7"))
    page.wait_for(f"{STATUS}.textContent === '0.5 s of sound'")
    assert page.value("element('save').download") == "piece_7.wav"
    # Half of the canvas: the wave's peak is 0.5.
    share = page.value("""(() => {
        const {width, height} = element("roll");
        const {data} = element("roll").getContext("2d").getImageData(0, 0, width, height);
        let coloured = 0;
        for (let i = 0; i < data.length; i += 4) coloured += data[i] !== data[i + 2];
        return coloured / (width * height);
    })()""")
    assert share == pytest.approx(0.5, abs=0.03)
    page.value("element('play').click(); element('stop').click()")


def test_notes_sound_at_their_time_and_pitch(page):
    page.open(url())
    samples = np.array(
        page.value("""(async () => {
          const note = {velocity: 100, instrument: 0, isDrum: false};
          const notes = [
            {...note, pitch: 69, start: 0.5, end: 1.0},
            {...note, pitch: 81, start: 1.5, end: 2.0},
            {...note, pitch: 38, start: 2.5, end: 2.6, isDrum: true},
          ];
          const context = new OfflineAudioContext(1, 3 * 8000, 8000);
          playNotes(context, {notes, totalTime: 3, qpm: 120}, 0);
          return Array.from((await context.startRendering()).getChannelData(0));
        })()""")
    )
    assert len(samples) == 24000

    def loudness(start, end):
        return np.sqrt(np.mean(samples[int(start * 8000) : int(end * 8000)] ** 2))

    def pitch(start, end):
        part = samples[int(start * 8000) : int(end * 8000)]
        return np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) / (end - start)

    for silent in ((0, 0.5), (1.2, 1.5), (2.2, 2.5), (2.8, 3)):
        assert loudness(*silent) < 0.02 * loudness(0.6, 0.9)
    assert pitch(0.6, 0.9) == pytest.approx(440, abs=4)
    assert pitch(1.6, 1.9) == pytest.approx(880, abs=4)
    assert loudness(2.51, 2.58) > 0.05 * loudness(0.6, 0.9)
