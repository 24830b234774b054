"""Trains in several processes, each on its own part of every batch: `torchrun --nproc-per-node 2 -m training.base`.

On a processor that other programs use too, two processes of one thread that meet once a step lose far less than two
threads that meet in every product. Without torchrun there is one process and nothing here does anything."""

import os

import torch
import torch.distributed as dist


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """The process that logs and writes checkpoints."""
    return rank() == 0


def join() -> None:
    """Connects to the other processes; each takes its own core."""
    if processes() == 1 or dist.is_initialized():
        return
    dist.init_process_group("gloo")
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank() % len(cores)]})


def share_of(count: int) -> int:
    """This process's part of a batch."""
    return max(1, count // processes())


def sum_over_processes(tensors: list[torch.Tensor]) -> None:
    """Replaces every tensor by its sum over all processes; one message."""
    if processes() == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors])):
        tensor.copy_(part.view_as(tensor))


def average_gradients(gradients: list[torch.Tensor]) -> None:
    sum_over_processes(gradients)
    if processes() > 1:
        torch._foreach_div_(gradients, processes())


def agree(value: float) -> float:
    """The first process's value, in all of them: so that they stop at the same step."""
    if processes() == 1:
        return value
    tensor = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(tensor, 0)
    return float(tensor)
