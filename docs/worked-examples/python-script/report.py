"""A join and a group-by, as thousands of scripts do them."""

import pandas as pd

print("loading", flush=True)
measurements = pd.read_csv("measurements.csv")
sensors = pd.read_csv("sensors.csv")
print(f"loaded {len(measurements)} rows", flush=True)

joined = measurements.merge(sensors, on="sensor")
print(f"joined {len(joined)} rows", flush=True)

joined["over"] = joined["value"] > joined["limit"]
by_site = joined.groupby(["site", "unit"]).agg(
    mean=("value", "mean"), worst=("value", "max"), over=("over", "sum"))
print("grouped", flush=True)

by_site.to_csv("report.csv")
print(by_site.to_string())
