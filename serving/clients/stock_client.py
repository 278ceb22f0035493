"""Asks for pieces with nothing but tensorflow-serving-api, as any TensorFlow Serving client would.

Works against the stock server and tfmusicgan-serve alike. Each answer is a serialised NoteSequence,
of a model of notes a WAV file. With a MIDI file, the pieces accompany it. (The suite's own
`tfmusicgan.client` does the same without importing TensorFlow.)

  python serving/clients/stock_client.py 127.0.0.1:8500 chorales 4
  python serving/clients/stock_client.py 127.0.0.1:8500 harmony 4 melody.mid
"""

import pathlib
import sys

import grpc
import tensorflow as tf
from note_seq import NoteSequence, midi_file_to_note_sequence, sequence_proto_to_midi_file
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def main(address: str, model: str, num_pieces: str, melody: str = "") -> None:
    """Writes piece_0.mid, piece_1.mid ... (or .wav) into the current folder."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    rows = int(num_pieces)
    request.inputs["seed"].CopyFrom(tf.make_tensor_proto(list(range(rows)), tf.int64))
    if melody:
        request.model_spec.signature_name = "accompany"
        given = midi_file_to_note_sequence(melody).SerializeToString()
        # One value for each row in every input: a server that merges requests compares them.
        request.inputs["note_sequence"].CopyFrom(tf.make_tensor_proto([given] * rows))
        request.inputs["threshold"].CopyFrom(tf.make_tensor_proto([0.5] * rows, tf.float32))
        request.inputs["temperature"].CopyFrom(tf.make_tensor_proto([0.0] * rows, tf.float32))
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = stub.Predict(request, timeout=60.0)
    for i, serialized in enumerate(response.outputs["note_sequence"].string_val):
        path = f"piece_{i}.mid"
        sequence_proto_to_midi_file(NoteSequence.FromString(serialized), path)
        print(path)
    for i, wav in enumerate(response.outputs["wav"].string_val):
        path = f"piece_{i}.wav"
        pathlib.Path(path).write_bytes(wav)
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
