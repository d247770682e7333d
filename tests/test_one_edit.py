"""One edit of a UNet at a time."""

from __future__ import annotations

import threading

import plain
import pytest
import torch

from wplus_ext import Branch, Plan, attach

PLAN = Plan([Branch(torch.ones(18, 512), 0.5)])


def test_a_second_edit_within_is_refused(compvis, adapter):
    with attach(compvis, adapter, PLAN), pytest.raises(RuntimeError, match="being edited already"):  # noqa: SIM117
        with attach(compvis, adapter, PLAN):
            pass


def test_a_second_edit_of_the_same_unet_in_a_wrapper_is_refused(compvis, adapter):
    wrapped = torch.compile(compvis)
    with attach(compvis, adapter, PLAN), pytest.raises(RuntimeError, match="being edited already"):  # noqa: SIM117
        with attach(wrapped, adapter, PLAN):
            pass


def test_after_the_first_another_may_come(compvis, adapter):
    with attach(compvis, adapter, PLAN):
        pass
    with attach(compvis, adapter, PLAN) as live:
        assert live.plan is PLAN


def test_a_refused_edit_leaves_the_first_as_it_is(compvis, adapter):
    with attach(compvis, adapter, PLAN):
        with pytest.raises(RuntimeError), attach(compvis, adapter, PLAN):
            pass
        hooks = sum(len(module._forward_pre_hooks) for module in compvis.modules())
    assert hooks == len(adapter.layers)


def test_an_edit_that_fails_lets_the_next_one_in(compvis, adapter):
    with pytest.raises(KeyError), attach(compvis, adapter, PLAN):
        raise KeyError
    with attach(compvis, adapter, PLAN):
        pass


def test_of_many_threads_one_edits_at_a_time(compvis, adapter):
    inside, most, refused, lock = [0], [0], [0], threading.Lock()

    def edit():
        for _ in range(20):
            try:
                with attach(compvis, adapter, PLAN):
                    with lock:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                    with lock:
                        inside[0] -= 1
            except RuntimeError:
                refused[0] += 1

    threads = [threading.Thread(target=edit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert most[0] == 1


def test_an_empty_plan_edits_nothing_and_stands_in_nobodys_way(compvis, adapter):
    with attach(compvis, adapter, Plan([])), attach(compvis, adapter, PLAN) as live:
        assert live.plan is PLAN


def test_a_call_from_another_thread_is_refused(compvis, adapter):
    faults = []

    def call():
        try:
            compvis(torch.randn(1, 4, 8, 8), torch.zeros(1), context=torch.randn(1, 77, plain.TEXT))
        except Exception as error:
            faults.append(error)

    with attach(compvis, adapter, PLAN) as live:
        live.rows([0], [False])
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(60)
    assert "in another thread than rows() was" in str(faults[0])
