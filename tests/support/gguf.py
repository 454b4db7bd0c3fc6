"""Small but valid GGUF files (version 3, little endian), with real keys and tensors."""
import struct

MAGIC = b"GGUF"
ALIGNMENT = 32
UINT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 4, 6, 7, 8, 9, 10
F32, F16 = 0, 1
BYTES_PER_ELEMENT = {F32: 4, F16: 2}
MOSTLY_F16 = 1


def text(value):
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def typed(value):
    """A key's value with its type in front, chosen by the Python type."""
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<IQ", UINT64, value) if value >= 1 << 32 else struct.pack("<II", UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + text(value)
    if isinstance(value, list):
        items = [typed(item) for item in value]
        kind = items[0][:4] if items else struct.pack("<I", STRING)
        return struct.pack("<I", ARRAY) + kind + struct.pack("<Q", len(items)) + b"".join(
            item[4:] for item in items)
    raise TypeError(f"no GGUF type for {value!r}")


def pad(length):
    return -length % ALIGNMENT


def make(arch="llama", context=2048, embedding=256, blocks=2, tensors=None, extra=None,
         name="Tiny", filler=None):
    """The bytes of a GGUF file.

    tensors is a list of (name, dimensions, type); filler(size) gives the tensors' data (zeros
    when it is None); extra is a dict of more keys.
    """
    if tensors is None:
        tensors = [("token_embd.weight", (embedding, 512), F16)]
        tensors += [(f"blk.{i}.attn_q.weight", (embedding, embedding), F16) for i in range(blocks)]
        tensors += [("output_norm.weight", (embedding,), F32)]
    keys = {
        "general.architecture": arch,
        "general.name": name,
        "general.file_type": MOSTLY_F16,
        f"{arch}.context_length": context,
        f"{arch}.embedding_length": embedding,
        f"{arch}.block_count": blocks,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": [f"<{i}>" for i in range(512)],
        "tokenizer.ggml.token_type": [1] * 512,
    }
    keys.update(extra or {})

    head = bytearray(MAGIC + struct.pack("<IQQ", 3, len(tensors), len(keys)))
    for key, value in keys.items():
        head += text(key) + typed(value)
    sizes, offset = [], 0
    for tensor_name, dimensions, kind in tensors:
        size = BYTES_PER_ELEMENT[kind]
        for dimension in dimensions:
            size *= dimension
        head += text(tensor_name) + struct.pack("<I", len(dimensions))
        head += struct.pack(f"<{len(dimensions)}Q", *dimensions) + struct.pack("<IQ", kind, offset)
        sizes.append(size)
        offset += size + pad(size)
    head += bytes(pad(len(head)))
    for size in sizes:
        head += (filler(size) if filler else bytes(size)) + bytes(pad(size))
    return bytes(head)


def make_of_about(size, filler=None, **keys):
    """A GGUF file a little larger than size bytes, most of it one tensor's data."""
    rows = max(1, size // (256 * 2))
    return make(tensors=[("token_embd.weight", (256, rows), F16), ("output_norm.weight", (256,), F32)],
                filler=filler, **keys)
