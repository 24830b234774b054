"""Trains modules that compute in bfloat16 with float32 master weights, Muon for matrices, and a moving average."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from training.parallel import average_gradients, processes, rank, sum_over_processes


class HalfPrecisionTrainer:
    """`modules` maps a name to a module. Frozen parameters (requires_grad False) stay out of the optimisers.
    Matrices inside blocks are trained by Muon, everything else by AdamW."""

    def __init__(self, modules: dict[str, torch.nn.Module], rate: float, average_decay: float, muon: bool = True,
                 faster: dict[str, float] | None = None):
        """`faster`: parts of names -> by how much quicker AdamW moves those parameters."""
        self.rate, self.average_decay = rate, average_decay
        named = [(f"{name}.{key}", parameter) for name, module in modules.items()
                 for key, parameter in module.named_parameters() if parameter.requires_grad]
        self.names = [name for name, _ in named]
        self.masters = [parameter.detach().float().clone().requires_grad_() for _, parameter in named]
        self.averages = [master.detach().clone() for master in self.masters]
        for module in modules.values():
            module.to(torch.bfloat16)
        self.parameters = [parameter for _, parameter in named]
        by_muon = [muon and master.ndim == 2 and ("blocks" in name or ".block." in name) and ".norm" not in name
                   and "relative_attention" not in name for name, master in zip(self.names, self.masters)]
        groups = {}
        for name, master, chosen in zip(self.names, self.masters, by_muon):
            factor = next((factor for part, factor in (faster or {}).items() if part in name), 1.0)
            if not chosen:
                groups.setdefault(factor, []).append(master)
        self.optimizers = [torch.optim.AdamW([{"params": masters, "factor": factor} for factor, masters in groups.items()], rate,
                                             betas=(0.9, 0.98), weight_decay=0.0, fused=True)]
        self.matrices = [m for m, chosen in zip(self.masters, by_muon) if chosen]
        if self.matrices:
            self.optimizers.append(torch.optim.Muon(
                self.matrices, rate, momentum=0.95, weight_decay=0.0, ns_steps=4, adjust_lr_fn="match_rms_adamw"))

    def step(self, rate_factor: float) -> None:
        """After backward(): gradients to the masters, one update, bfloat16 copies back, moving average."""
        for master, parameter in zip(self.masters, self.parameters):
            master.grad = torch.zeros_like(master) if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        average_gradients([master.grad for master in self.masters])
        torch.nn.utils.clip_grad_norm_(self.masters, 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate * rate_factor * group.get("factor", 1.0)
        self.optimizers[0].step()
        if self.matrices:
            self.step_matrices()
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, self.masters)
            torch._foreach_lerp_(self.averages, [m.detach() for m in self.masters], 1 - self.average_decay)

    @torch.no_grad()
    def step_matrices(self) -> None:
        """Muon's products are a fifth of a step: of several processes each updates its own part of the matrices.
        (A checkpoint then holds the first process's momentum only; the rest builds up again within twenty steps.)"""
        others = [m for i, m in enumerate(self.matrices) if i % processes() != rank()]
        for matrix in others:
            matrix.grad = None
        self.optimizers[1].step()
        for matrix in others:
            matrix.zero_()
        sum_over_processes(self.matrices)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The modules compute with the moving averages meanwhile."""
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, self.averages)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self.parameters, self.masters)

    def state_dict(self) -> dict:
        return {"masters": dict(zip(self.names, [m.detach() for m in self.masters])),
                "averages": dict(zip(self.names, self.averages)),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state: dict) -> None:
        self.load_weights(state["masters"])
        for name, average in zip(self.names, self.averages):
            average.copy_(state["averages"][name])
        if processes() == 1 or rank() == 0:
            for optimizer, saved in zip(self.optimizers, state["optimizers"]):
                optimizer.load_state_dict(saved)
        else:
            self.optimizers[0].load_state_dict(state["optimizers"][0])

    @torch.no_grad()
    def load_weights(self, weights: dict[str, torch.Tensor]) -> None:
        """Starts masters and averages from named weights; what is named on one side only stays as it is."""
        for name, master, average in zip(self.names, self.masters, self.averages):
            if name in weights:
                master.copy_(weights[name])
                average.copy_(weights[name])
        torch._foreach_copy_(self.parameters, self.masters)
