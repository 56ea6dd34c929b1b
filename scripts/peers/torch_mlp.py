"""The same MLP and schedule of gradient norms in eager PyTorch, on so many threads.

Prints one line of JSON: steps a second, or null if PyTorch is not installed.
"""

import json
import sys
import time

STEPS, BATCH, WIDTH, DEPTH, INPUTS = 2000, 128, 128, 10, 784
PROBED = {0, 1, 2, 4, 8, 16, 32, 64, *(STEPS * tenth // 10 for tenth in range(1, 10))}


def train(torch, model, x, y, steps):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    loss_of = torch.nn.CrossEntropyLoss()
    order = torch.randperm(len(x))
    position = 0
    for step in range(steps):
        if position + BATCH > len(x):
            order, position = torch.randperm(len(x)), 0
        batch = order[position : position + BATCH]
        position += BATCH
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(x[batch]), y[batch])
        loss.backward()
        if step in PROBED:
            kernels = [p for p in model.parameters() if p.ndim == 2]
            norms = [float(torch.linalg.vector_norm(p.grad)) for p in kernels]
            assert len(norms) == DEPTH + 1
        optimizer.step()


def main():
    try:
        import torch
    except ModuleNotFoundError:
        print(json.dumps({"steps_per_second": None}))
        return
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(0)
    layers = []
    for number in range(DEPTH):
        layers += [torch.nn.Linear(INPUTS if number == 0 else WIDTH, WIDTH), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(WIDTH, 10))
    x, y = torch.randn(54_000, INPUTS), torch.randint(0, 10, (54_000,))
    train(torch, model, x, y, 200)
    began = time.perf_counter()
    train(torch, model, x, y, STEPS)
    print(json.dumps({"steps_per_second": STEPS / (time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
