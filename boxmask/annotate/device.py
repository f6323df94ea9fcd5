"""Where the network runs and in which precision, decided once and then part of the plan."""

from boxmask.annotate.job import Job
from boxmask.annotate.plan import Plan


def settled(job: Job, plan: Plan | None) -> tuple[str, str]:
    """Return the device and precision of a job; `auto` goes on with what its plan was begun with.

    Only where there is no plan is PyTorch asked, so that a finished run answers at once.
    """
    recorded = plan.settings if plan is not None else {}
    device, precision = job.device, str(job.precision)
    if device == "auto":
        device = str(recorded.get("--device", device))
    if precision == "auto" and device == recorded.get("--device"):
        precision = str(recorded.get("--precision", precision))
    if "auto" in (device, precision):
        from boxmask.annotate.network import choose_precision
        from boxmask.models.device import choose_device

        device = choose_device(device)
        precision = choose_precision(precision, device)
    return device, precision
