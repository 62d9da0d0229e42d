"""Prints tag, count, percentile and value of each histogram of a log, read by
Python's hdrhistogram."""
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

log = HistogramLogReader(sys.argv[1], HdrHistogram(1, 24 * 3600 * 10**9, 3))
while True:
    histogram = log.get_next_interval_histogram()
    if histogram is None:
        break
    for percent in 25, 50, 90, 99, 99.9, 100:
        print(histogram.get_tag(), histogram.get_total_count(), percent,
              histogram.get_value_at_percentile(percent))
