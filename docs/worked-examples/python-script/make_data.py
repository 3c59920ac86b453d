"""Two CSV files, the same bytes every time: 1.5 million measurements of 2,000 sensors."""

import numpy as np
import pandas as pd

rows, sensors = 1_500_000, 2_000
random = np.random.default_rng(7)

pd.DataFrame({
    "sensor": np.arange(sensors),
    "site": random.choice(["north", "south", "east", "west"], sensors),
    "limit": random.normal(80, 5, sensors).round(2),
}).to_csv("sensors.csv", index=False)

pd.DataFrame({
    "time": np.arange(rows),
    "sensor": random.integers(0, sensors, rows),
    "value": random.normal(50, 20, rows).round(3),
    "unit": random.choice(["celsius", "kelvin"], rows),
}).to_csv("measurements.csv", index=False)
