"""Measure speed, memory and scale, and write docs/performance.md's table: python -m benchmarks [--rounds N] [--quick]"""

from benchmarks import corpus, languages, performance, startup, tagging, text, training
from benchmarks.rounds import options

given = options(__doc__)
for benchmark in (training, tagging, corpus, startup, languages, text):
    benchmark.main(given)
if not given.quick:
    performance.write(given.output)
