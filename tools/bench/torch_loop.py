"""The peer of tools/bench/trainer: the same network and loop in eager PyTorch, as people write it. One JSON line: the
seconds of each epoch's training, and its mean loss.

usage: torch_loop.py FOLDER memory|loader BATCH EPOCHS THREADS LEARNING_RATE WIDTH...
  FOLDER   that torchvision's MNIST takes for its root
  memory   the images as standardised floats in one tensor, gathered by index
  loader   a DataLoader over torchvision's MNIST, which transforms one image after the other
  THREADS  0: what PyTorch takes by itself
"""
import json
import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

MEAN, DEVIATION = 0.1307, 0.3081


def mnist(root):
    """torchvision's own, as programs have it: each image through PIL, ToTensor and Normalize."""
    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (DEVIATION,))])
    return datasets.MNIST(root, train=True, transform=steps)


class InMemory:
    """Batches out of one tensor of floats, in a new order each time."""

    def __init__(self, images, batch_size):
        self.inputs = ((images.data.float() / 255 - MEAN) / DEVIATION).view(len(images), -1)
        self.labels, self.batch_size = images.targets, batch_size

    def __iter__(self):
        for indices in torch.randperm(len(self.labels)).split(self.batch_size):
            yield self.inputs[indices], self.labels[indices]


def build_network(widths):
    layers = [nn.Flatten()]
    for inputs, outputs in zip([784, *widths], widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 10))


def train_epoch(network, optimizer, batches):
    """Seconds, and the mean loss."""
    begin, loss_sum, seen = time.perf_counter(), 0.0, 0
    network.train()
    for inputs, labels in batches:
        optimizer.zero_grad(set_to_none=True)  # the default from PyTorch 2.0 on, and the faster one
        loss = nn.functional.cross_entropy(network(inputs), labels)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        seen += len(labels)
    return time.perf_counter() - begin, loss_sum / seen


def main():
    folder, kind, batch_size, epochs, threads, rate, *widths = sys.argv[1:]
    if int(threads):
        torch.set_num_threads(int(threads))
    images = mnist(folder)
    batches = {"memory": lambda: InMemory(images, int(batch_size)),
               "loader": lambda: DataLoader(images, batch_size=int(batch_size), shuffle=True)}[kind]()
    network = build_network([int(width) for width in widths])
    optimizer = torch.optim.Adam(network.parameters(), lr=float(rate))
    done = [train_epoch(network, optimizer, batches) for _ in range(int(epochs))]
    print(json.dumps({"train_seconds": [seconds for seconds, _ in done], "train_loss": [loss for _, loss in done]}))


main()
