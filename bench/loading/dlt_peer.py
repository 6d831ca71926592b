"""Loads the same records with dlt and prints the seconds that it takes.

It yields pages instead of rows and sends requests in threads; dlt's settings decide the rest. dlt makes a table of each
nested list, with keys of its own, but no foreign keys, no history and no tracked identifiers.
"""
import json
import os
import time
import urllib.request

import dlt
import psycopg2

PAGE = 100

with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
    cursor.execute("select identifier from identifai.identifiers order by id")
    identifiers = [row[0] for row in cursor.fetchall()]
connection.close()


@dlt.resource
def pages():
    for first in range(0, len(identifiers), PAGE):
        yield identifiers[first : first + PAGE]


@dlt.transformer(name="classifications", data_from=pages, primary_key="identifier", write_disposition="append")
def classifications(page):
    @dlt.defer
    def request():
        query = "&".join(f"identifiers[]={identifier}" for identifier in page)
        with urllib.request.urlopen(f"{os.environ['API_URL']}/classifications_audio?{query}") as response:
            return json.load(response)

    yield request()


if __name__ == "__main__":
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=os.environ["PIPELINES_DIR"],
        destination=dlt.destinations.postgres(os.environ["DATABASE_URL"]),
        dataset_name="dlt_peer",
    )
    started = time.monotonic()
    info = pipeline.run(classifications, loader_file_format=os.environ.get("FILE_FORMAT"))
    info.raise_on_failed_jobs()
    print(time.monotonic() - started)
