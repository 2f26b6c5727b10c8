"""`make faults`: the real stack and the real worker, and everything that can go wrong on purpose.

plan.py says what goes wrong, seeded; proxy.py stands between a worker and AWS and does it; lane.py is a worker with its
proxy, disk.py its disk; field.py the emulator, the stack and its owner's view; ledger.py says what became of every job,
hearing.py how much was heard more than once; campaign.py is the day.
"""
