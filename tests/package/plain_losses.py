"""The losses that pages ask for, written with numbers and lists: a right answer to each exercise."""

RIGHT = {
    "write-l1": """
def my_l1(prediction, target):
    error = prediction - target
    return max(error, -error)
""",
    "write-softmax-cross-entropy": """
def my_cross_entropy(logits, target):
    largest = max(logits)
    total = sum(math.exp(z - largest) for z in logits)
    return math.log(total) - (logits[target] - largest)
""",
    "write-label-smoothing": """
def my_cross_entropy(logits, target):
    largest = max(logits)
    total = math.log(sum(math.exp(z - largest) for z in logits))
    log_p = [z - largest - total for z in logits]
    return -(0.9 * log_p[target] + 0.1 * sum(log_p) / len(log_p))
""",
    "write-nll": """
def my_nll(log_p, target, ignore_index=-100):
    return 0 if target == ignore_index else -log_p[target]
""",
    "write-bce": """
def log(p):
    return max(math.log(p), -100) if p > 0 else -100

def my_bce(p, y):
    return -y * log(p) - (1 - y) * log(1 - p)
""",
    "write-bce-with-logits": """
def softplus(z):
    return max(z, 0) + math.log1p(math.exp(-abs(z)))

def my_bce_with_logits(z, y, pos_weight=None):
    weight = 1 if pos_weight is None else pos_weight
    return weight * y * softplus(-z) + (1 - y) * softplus(z)
""",
    "write-kl": """
def my_kl_div(log_q, p):
    return sum(b * (math.log(b) - a) for a, b in zip(log_q, p, strict=True) if b > 0)
""",
    "write-soft-margin": """
def my_soft_margin(score, label):
    x = -label * score
    return max(x, 0) + math.log1p(math.exp(-abs(x)))
""",
    "write-multi-margin": """
def my_multi_margin(scores, target, p=1, margin=1.0):
    missing = [max(0, margin - scores[target] + s) for c, s in enumerate(scores) if c != target]
    return sum(m**p for m in missing) / len(scores)
""",
    "write-multilabel-margin": """
def my_multilabel_margin(scores, target):
    true = target[: target.index(-1)] if -1 in target else target
    others = [c for c in range(len(scores)) if c not in true]
    return sum(max(0, 1 - scores[t] + scores[c]) for t in true for c in others) / len(scores)
""",
    "write-multilabel-soft-margin": """
def softplus(z):
    return max(z, 0) + math.log1p(math.exp(-abs(z)))

def my_multilabel_soft_margin(logits, labels, weight=None):
    weight = weight or [1.0] * len(logits)
    each = [w * (y * softplus(-z) + (1 - y) * softplus(z)) for w, z, y in zip(weight, logits, labels)]
    return sum(each) / len(each)
""",
    "write-poisson": """
def my_poisson_nll(input, target, log_input=True, eps=1e-8):
    return math.exp(input) - target * input if log_input else input - target * math.log(input + eps)
""",
    "write-gaussian": """
def my_gaussian_nll(mean, target, var, full=False, eps=1e-6):
    var = max(var, eps)
    constant = math.log(2 * math.pi) / 2 if full else 0
    return (math.log(var) + (mean - target) ** 2 / var) / 2 + constant
""",
    "write-giou": """
def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])

def my_giou(prediction, target):
    a, b = prediction, target
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    union = area(a) + area(b) - width * height
    around = area([min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])])
    return 1 - width * height / (union + 1e-7) + (around - union) / (around + 1e-7)
""",
    "write-huber": """
def my_huber(prediction, target, delta=1.0):
    error = abs(prediction - target)
    return error**2 / 2 if error < delta else delta * (error - delta / 2)
""",
    "write-hinge-embedding": """
def my_hinge_embedding(distance, target, margin=1.0):
    similar = (1 + target) / 2
    return similar * distance + (1 - similar) * max(0, margin - distance)
""",
    "write-margin-ranking": """
def my_margin_ranking(x1, x2, y, margin=0.0):
    return max(0, margin - y * (x1 - x2))
""",
    "write-triplet": """
def distance(a, b):
    return math.sqrt(sum((x - y + 1e-6) ** 2 for x, y in zip(a, b)))

def my_triplet_margin(anchor, positive, negative, margin=1.0, swap=False):
    far = distance(anchor, negative)
    if swap:
        far = min(far, distance(positive, negative))
    return max(0, distance(anchor, positive) - far + margin)
""",
    "write-cosine": """
def square(a):
    return sum(x * x for x in a) + 1e-12

def my_cosine_embedding(u, v, y, margin=0.0):
    cosine = sum(a * b for a, b in zip(u, v)) / math.sqrt(square(u) * square(v))
    return 1 - cosine if y == 1 else max(0, cosine - margin)
""",
    "mend-smooth-l1": """
def my_smooth_l1(prediction, target, beta=1.0):
    error = abs(prediction - target)
    return error**2 / (2 * beta) if error < beta else error - beta / 2
""",
    "mend-iou": """
def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])

def my_iou(prediction, target):
    a, b = prediction, target
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return 1 - shared / (area(a) + area(b) - shared + 1e-7)
""",
}
MENDED = {
    "mend-multi-margin": "write-multi-margin",
    "mend-multi-margin-classes": "write-multi-margin",
    "mend-bce": "write-bce",
    "mend-bce-with-logits": "write-bce-with-logits",
    "mend-own-bce": "write-bce-with-logits",
    "mend-cross-entropy": "write-softmax-cross-entropy",
    "mend-kl": "write-kl",
    "mend-hinge-embedding": "write-hinge-embedding",
    "mend-margin-ranking": "write-margin-ranking",
    "mend-cosine": "write-cosine",
    "mend-huber": "write-huber",
    "mend-poisson": "write-poisson",
    "mend-gaussian": "write-gaussian",
}
RIGHT |= {mended: RIGHT[written] for mended, written in MENDED.items()}
