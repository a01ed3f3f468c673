/*
 * Least recently used, in C: a cache of `capacity` objects under requests that follow Zipf's law. Open addressing finds an object's place in
 * a list of indices. Prints nanoseconds per request.
 *
 * usage: lru OBJECTS CAPACITY REQUESTS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int32_t *table, *next, *prev;
static uint32_t *keys, mask, used;
static int32_t end;

static uint32_t home(uint32_t key)
{
	return key * 2654435769u >> 7 & mask;
}

static void unlink_one(int32_t e)
{
	next[prev[e]] = next[e];
	prev[next[e]] = prev[e];
}

static void link_first(int32_t e)
{
	int32_t first = next[end];

	next[end] = e;
	prev[e] = end;
	next[e] = first;
	prev[first] = e;
}

static void forget(uint32_t key)
{
	uint32_t hole = home(key);

	while (keys[table[hole]] != key)
		hole = (hole + 1) & mask;
	for (uint32_t at = (hole + 1) & mask; table[at] >= 0; at = (at + 1) & mask) {
		if (((at - home(keys[table[at]])) & mask) < ((at - hole) & mask))
			continue;
		table[hole] = table[at];
		hole = at;
	}
	table[hole] = -1;
}

static int request(uint32_t key, uint32_t capacity)
{
	uint32_t at = home(key);
	int32_t e;

	for (; (e = table[at]) >= 0; at = (at + 1) & mask) {
		if (keys[e] != key)
			continue;
		unlink_one(e);
		link_first(e);
		return 1;
	}
	if (used == capacity) {
		e = prev[end];
		unlink_one(e);
		forget(keys[e]);
		for (at = home(key); table[at] >= 0; at = (at + 1) & mask)
			;
	} else {
		e = used++;
	}
	keys[e] = key;
	table[at] = e;
	link_first(e);
	return 0;
}

static uint32_t random_state = 42;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	return random_state ^= random_state << 5;
}

static uint32_t *zipf(uint32_t objects, uint32_t requests)
{
	double *sum = malloc(objects * sizeof *sum), total = 0;
	uint32_t *name = malloc(objects * sizeof *name), *out = malloc(requests * sizeof *out);

	for (uint32_t i = 0; i < objects; i++) {
		sum[i] = total += 1.0 / (i + 1);
		name[i] = i;
	}
	for (uint32_t i = objects - 1; i > 0; i--) {
		uint32_t j = next_random() % (i + 1), t = name[i];

		name[i] = name[j];
		name[j] = t;
	}
	for (uint32_t i = 0; i < requests; i++) {
		double u = next_random() / 4294967296.0 * total;
		uint32_t lo = 0, hi = objects - 1;

		while (lo < hi) {
			uint32_t mid = (lo + hi) / 2;

			if (sum[mid] < u)
				lo = mid + 1;
			else
				hi = mid;
		}
		out[i] = name[lo];
	}
	return out;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	uint32_t objects = atoi(argv[1]), capacity = atoi(argv[2]), requests = atoi(argv[3]), size = 1;
	uint32_t *trace = zipf(objects, requests);
	double best = 1e18;
	long hits = 0;

	while (size < capacity * 2)
		size *= 2;
	mask = size - 1;
	table = malloc(size * sizeof *table);
	for (uint32_t i = 0; i < size; i++)
		table[i] = -1;
	keys = malloc((capacity + 1) * sizeof *keys);
	next = malloc((capacity + 1) * sizeof *next);
	prev = malloc((capacity + 1) * sizeof *prev);
	end = capacity;
	next[end] = prev[end] = end;
	for (int round = 0; round < 3; round++) {
		struct timespec a, b;

		clock_gettime(CLOCK_MONOTONIC, &a);
		for (uint32_t i = 0; i < requests; i++)
			hits += request(trace[i], capacity);
		clock_gettime(CLOCK_MONOTONIC, &b);
		double ns = ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / requests;

		if (round > 0 && ns < best)
			best = ns;
	}
	printf("hits %ld, ns %f\n", hits, best);
	return 0;
}
