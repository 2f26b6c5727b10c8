"""What Tiro costs besides its GPU: calls and units counted on moto, times the list prices in docs/prices.json.

`make costs` prints the tables of docs/measurements.md; the tests hold the sum to what issue 4 asks for.
"""
