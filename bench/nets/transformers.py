"""A small BERT (Devlin et al. 2018, Turc et al. 2019): 4 layers, width 512, 8 heads; hidden states in
and out, no embeddings. LayerNormalization and GELU in their parts, as exporters write them."""
import numpy as np

from .builder import picture_to

TOKENS, WIDTH, HEADS, INNER, LAYERS = 512, 512, 8, 2048, 4


def scalar(b, name, value):
    return b.constant(name, np.float32(value))


def linear(b, name, x, out, gain=1.0):
    with b.scope(name):
        reads = b.channels[x]
        weight = b.param(b.full("") + ".weight", b.normal((reads, out), reads, gain))
        bias = b.param(b.full("") + ".bias", b.uniform(-0.2, 0.2, out))
        return b.node("Add", "", [bias, b.node("MatMul", "", [x, weight], out)], out)


def heads(b, x, perm):
    x = b.reshape(x, (1, TOKENS, HEADS, WIDTH // HEADS), HEADS)
    return b.transpose(x, perm, TOKENS)


def attention(b, x):
    with b.scope("self"):
        query = heads(b, linear(b, "query", x, WIDTH), [0, 2, 1, 3])
        key = heads(b, linear(b, "key", x, WIDTH), [0, 2, 3, 1])
        value = heads(b, linear(b, "value", x, WIDTH), [0, 2, 1, 3])
        scores = b.node("MatMul", "", [query, key], TOKENS)
        scores = b.node("Div", "", [scores, scalar(b, "root", np.sqrt(WIDTH / HEADS))], TOKENS)
        shares = b.node("Softmax", "", [scores], TOKENS, axis=-1)
        mixed = b.node("MatMul", "", [shares, value], WIDTH // HEADS)
        mixed = b.transpose(mixed, [0, 2, 1, 3], HEADS)
        return b.reshape(mixed, (1, TOKENS, WIDTH), WIDTH)


def layer_norm(b, name, x):
    with b.scope(name):
        width = b.channels[x]
        mean = b.node("ReduceMean", "", [x], 1, axes=[-1])
        centred = b.node("Sub", "", [x, mean], width)
        squares = b.node("Pow", "", [centred, scalar(b, "two", 2)], width)
        variance = b.node("ReduceMean", "", [squares], 1, axes=[-1])
        variance = b.node("Add", "", [variance, scalar(b, "epsilon", 1e-12)], 1)
        y = b.node("Div", "", [centred, b.node("Sqrt", "", [variance], 1)], width)
        scale = b.param(b.full("") + ".weight", b.uniform(0.8, 1.2, width))
        shift = b.param(b.full("") + ".bias", b.uniform(-0.2, 0.2, width))
        return b.node("Add", "", [b.node("Mul", "", [y, scale], width), shift], width)


def gelu(b, x):
    width = b.channels[x]
    y = b.node("Erf", "", [b.node("Div", "", [x, scalar(b, "root2", np.sqrt(2))], width)], width)
    y = b.node("Mul", "", [x, b.node("Add", "", [y, scalar(b, "one", 1)], width)], width)
    return b.node("Mul", "", [y, scalar(b, "half", 0.5)], width)


def layer(b, x):
    with b.scope("attention"):
        y = linear(b, "output.dense", attention(b, x), WIDTH)
        x = layer_norm(b, "output.LayerNorm", b.add(y, x))
    with b.scope("intermediate"):
        y = gelu(b, linear(b, "dense", x, INNER))
    with b.scope("output"):
        return layer_norm(b, "LayerNorm", b.add(linear(b, "dense", y, WIDTH, 2.0), x))


def bert_body(b, x):
    b.channels[x] = WIDTH
    for index in range(LAYERS):
        with b.scope(f"encoder.layer.{index}"):
            x = layer(b, x)
    return x


def bert_small_512(seed):
    shape = (1, TOKENS, WIDTH)
    return picture_to("bert_small_512", bert_body, seed, shape, shape)
