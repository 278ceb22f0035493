// Draws notes as a piano-roll, and plays them with WebAudio.
"use strict";

const ATTACK_SECONDS = 0.01;
const RELEASE_SECONDS = 0.08;
const BLACK_KEYS = [1, 3, 6, 8, 10];

function colour(note) {
  const hue = note.isDrum ? 0 : (210 + note.instrument * 67) % 360;
  const saturation = note.isDrum ? 0 : 65;
  return `hsl(${hue}, ${saturation}%, ${70 - (note.velocity / 127) * 30}%)`;
}

// The whole piece over the whole canvas: time to the right, pitch upwards, a line for each beat.
// `playhead` is in seconds; below 0 there is none.
function drawPianoRoll(canvas, sequence, playhead = -1) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  if (sequence.notes.length === 0) return;
  let [lowest, highest, seconds] = [127, 0, sequence.totalTime];
  for (const note of sequence.notes) {
    lowest = Math.min(lowest, note.pitch - 2);
    highest = Math.max(highest, note.pitch + 2);
    seconds = Math.max(seconds, note.end);
  }
  const row = height / (highest + 1 - lowest);
  const x = (time) => (time / seconds) * width;
  const y = (pitch) => height - (pitch - lowest + 1) * row;
  context.fillStyle = "#f3f3f6";
  for (let pitch = lowest; y(pitch) + row > 0; pitch++) {
    if (BLACK_KEYS.includes(((pitch % 12) + 12) % 12)) context.fillRect(0, y(pitch), width, row);
  }
  const beat = 60 / sequence.qpm;
  for (let i = 0; i * beat < seconds && seconds / beat < width / 4; i++) {
    context.fillStyle = i % 4 === 0 ? "#b8b8c4" : "#e2e2ea";
    context.fillRect(x(i * beat), 0, 1, height);
  }
  for (const note of sequence.notes) {
    context.fillStyle = colour(note);
    const left = x(note.start);
    context.fillRect(left, y(note.pitch), Math.max(2, x(note.end) - left - 1), Math.max(2, row - 1));
  }
  if (playhead >= 0) {
    context.fillStyle = "#d22";
    context.fillRect(x(playhead), 0, 2, height);
  }
}

function noise(context) {
  const buffer = context.createBuffer(1, context.sampleRate / 4, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i++) samples[i] = Math.random() * 2 - 1;
  return buffer;
}

// Plays notes from `when` on, seconds of the context's clock: pitched ones as triangle waves, drums as
// short noise, the higher the brighter. Gives a function that silences them.
function playNotes(context, sequence, when) {
  const output = context.createDynamicsCompressor();
  output.connect(context.destination);
  const drum = noise(context);
  for (const note of sequence.notes) {
    const start = when + note.start;
    const end = note.isDrum ? start + 0.15 : when + Math.max(note.end, note.start + 0.05);
    const frequency = 440 * 2 ** ((note.pitch - 69) / 12);
    const level = context.createGain();
    level.gain.setValueAtTime(0, start);
    level.gain.linearRampToValueAtTime((0.25 * note.velocity) / 127, start + ATTACK_SECONDS);
    if (note.isDrum) level.gain.exponentialRampToValueAtTime(0.001, end);
    else level.gain.setTargetAtTime(0, end, RELEASE_SECONDS / 4);
    level.connect(output);
    let source;
    if (note.isDrum) {
      source = context.createBufferSource();
      source.buffer = drum;
      const filter = context.createBiquadFilter();
      filter.type = "bandpass";
      filter.frequency.value = Math.min(8 * frequency, context.sampleRate / 4);
      source.connect(filter).connect(level);
    } else {
      source = context.createOscillator();
      source.type = "triangle";
      source.frequency.value = frequency;
      source.connect(level);
    }
    source.start(start);
    source.stop(end + RELEASE_SECONDS);
  }
  return () => output.disconnect();
}

// Draws a sound's waveform over the whole canvas.
function drawWave(canvas, samples) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "hsl(210, 65%, 50%)";
  const step = samples.length / width;
  for (let x = 0; x < width; x++) {
    const part = samples.subarray(Math.floor(x * step), Math.ceil((x + 1) * step));
    const peak = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    context.fillRect(x, (height / 2) * (1 - peak), 1, Math.max(1, height * peak));
  }
}
