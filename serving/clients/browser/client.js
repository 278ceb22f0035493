// Asks TensorFlow Serving for pieces over REST, and reads the notes of a NoteSequence. For pages and
// for Node; no other file is needed.
"use strict";

// TensorFlow Serving writes a string's bytes into its JSON as they are. Taken as characters 0 to 255,
// they are still there when the JSON has been parsed. (A TextDecoder would not do: what it calls
// latin1 is windows-1252.)
function bytesToText(bytes) {
  const parts = [];
  for (let i = 0; i < bytes.length; i += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(i, i + 8192)));
  }
  return parts.join("");
}

function textToBytes(text) {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

// The bytes of each piece, one per seed: a serialised NoteSequence, or a WAV file.
async function ask(server, model, seeds) {
  // Without a content type of its own the request needs no leave of the server beforehand (CORS).
  const response = await fetch(`${server}/v1/models/${encodeURIComponent(model)}:predict`, {
    method: "POST",
    body: JSON.stringify({ instances: seeds }),
  });
  const text = bytesToText(new Uint8Array(await response.arrayBuffer()));
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`Expected JSON from ${server}. Received: HTTP ${response.status}.`);
  }
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer.predictions.map(textToBytes);
}

function isWav(bytes) {
  return bytesToText(bytes.subarray(0, 4)) === "RIFF";
}

// The fields of a protobuf message, in order: their numbers and values. A value is a number (whole or
// real) or, of strings and messages, their bytes.
function* fields(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;
  function varint() {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (position >= bytes.length) throw new Error("Expected the rest of a message.");
      const byte = bytes[position++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
  function skip(count) {
    if (position + count > bytes.length) throw new Error("Expected the rest of a message.");
    position += count;
    return position - count;
  }
  while (position < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const kind = tag % 8;
    if (kind === 0) yield { number, value: varint() };
    else if (kind === 1) yield { number, value: view.getFloat64(skip(8), true) };
    else if (kind === 5) yield { number, value: view.getFloat32(skip(4), true) };
    else if (kind === 2) {
      const length = varint();
      const start = skip(length);
      yield { number, value: bytes.subarray(start, start + length) };
    } else throw new Error(`Expected a field of a message. Received: kind ${kind}.`);
  }
}

// Field numbers of NoteSequence.Note and NoteSequence in note_seq's music.proto.
const NOTE = { 1: "pitch", 2: "velocity", 3: "start", 4: "end", 7: "instrument", 8: "program" };
const IS_DRUM = 9;
const [TEMPOS, NOTES, TOTAL_TIME] = [7, 8, 9];
const QPM = 2;

// {notes, totalTime, qpm}: times in seconds; the tempo is the first one.
function decodeNoteSequence(bytes) {
  const sequence = { notes: [], totalTime: 0, qpm: 120 };
  let tempos = 0;
  for (const { number, value } of fields(bytes)) {
    if (number === TOTAL_TIME) sequence.totalTime = value;
    else if (number === NOTES) sequence.notes.push(decodeNote(value));
    else if (number === TEMPOS && tempos++ === 0) {
      for (const part of fields(value)) if (part.number === QPM) sequence.qpm = part.value;
    }
  }
  return sequence;
}

function decodeNote(bytes) {
  const note = {
    pitch: 0, velocity: 0, start: 0, end: 0, instrument: 0, program: 0, isDrum: false,
  };
  for (const { number, value } of fields(bytes)) {
    if (number in NOTE) note[NOTE[number]] = value;
    else if (number === IS_DRUM) note.isDrum = value !== 0;
  }
  return note;
}

if (typeof module !== "undefined") {
  module.exports = { ask, bytesToText, decodeNoteSequence, isWav, textToBytes };
}
