// What the processor can do at best: fused multiply-adds that never leave the registers, and memory bandwidth.
//
// usage: peaks THREADS CPU[,CPU...] DRAM_BYTES [READ_BYTES ...]
//
// One line of JSON per figure: quantity, dtype, bytes, threads, value, unit. A figure is the best of several rounds, as
// it is a limit. Each thread keeps to one of the CPUs. Standard C++17 on Linux, and intrinsics where the processor has products
// of bfloat16.

#include <sched.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#if defined(__AVX512BF16__) || defined(__AMX_BF16__)
#include <immintrin.h>
#endif
#if defined(__AMX_BF16__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__AVX512F__)
constexpr std::size_t WIDTH = 64;
#elif defined(__AVX__)
constexpr std::size_t WIDTH = 32;
#else
constexpr std::size_t WIDTH = 16;
#endif

// Latency times pipes must be covered, and all must fit the registers beside the two factors.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int CHAINS = 24;
#else
constexpr int CHAINS = 12;
#endif

// Rounds are short, so that some pass undisturbed where other processes run, and there are as many as fill the time.
constexpr double ROUND_S = 1e-3, TIME_S = 0.06;
constexpr int LEAST_ROUNDS = 10;

using Clock = std::chrono::steady_clock;
typedef float Floats __attribute__((vector_size(WIDTH)));
typedef double Doubles __attribute__((vector_size(WIDTH)));

// Where results go, so that no compiler finds them unused.
std::atomic<double> sink{0};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A work does `repeats` units of its own on thread `index`.
using Work = std::function<void(int index, long repeats)>;

class Barrier {
  public:
    explicit Barrier(int count) : count_(count) {}
    void wait() {
        const long round = round_.load();
        if (arrived_.fetch_add(1) + 1 == count_) {
            arrived_.store(0);
            round_.fetch_add(1);
        } else {
            while (round_.load() == round) std::this_thread::yield();
        }
    }

  private:
    const int count_;
    std::atomic<int> arrived_{0};
    std::atomic<long> round_{0};
};

// The CPUs that threads keep to, one each, in turn.
std::vector<int> cpus;

void keep_to_own_cpu(int index) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpus[index % cpus.size()], &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

// The shortest time of one unit, all threads doing theirs at once.
double best_seconds(int threads, const Work& work) {
    keep_to_own_cpu(0);
    long repeats = 1;
    double alone = 0;
    for (;; repeats *= 2) {
        alone = 1e300;
        for (int time = 0; time < 3; ++time) {
            const auto start = Clock::now();
            work(0, repeats);
            alone = std::min(alone, seconds_since(start));
        }
        if (alone >= ROUND_S) break;
    }
    const int rounds = std::max(LEAST_ROUNDS, int(TIME_S / alone));
    Barrier barrier(threads);
    double best = 1e300;
    const auto body = [&](int index) {
        keep_to_own_cpu(index);
        for (int round = 0; round < rounds; ++round) {
            barrier.wait();
            const auto start = Clock::now();
            work(index, repeats);
            barrier.wait();
            if (index == 0) best = std::min(best, seconds_since(start) / repeats);
        }
    };
    std::vector<std::thread> others;
    for (int index = 1; index < threads; ++index) others.emplace_back(body, index);
    body(0);
    for (auto& other : others) other.join();
    return best;
}

void print(const char* quantity, const char* dtype, std::size_t bytes, int threads, double value, const char* unit) {
    std::printf("{\"quantity\": \"%s\", \"dtype\": \"%s\", \"bytes\": %zu, \"threads\": %d, \"value\": %.6g, "
                "\"unit\": \"%s\"}\n", quantity, dtype, bytes, threads, value, unit);
    std::fflush(stdout);
}

constexpr long STEPS = 2000;

// Folds over the chains instead of loops: each chain must be a register, at every level of optimisation.
template <typename Vector, typename Step, std::size_t... CHAIN>
Vector chained(long steps, const Step& step, std::index_sequence<CHAIN...>) {
    Vector sums[] = {(Vector{} + float(CHAIN))...};
    for (; steps > 0; --steps) ((sums[CHAIN] = step(sums[CHAIN])), ...);
    return (sums[CHAIN] + ...);
}

template <typename Vector, typename Scalar>
void multiply_add(int, long repeats) {
    volatile Scalar unknown = Scalar(0.5);
    const Vector a = Vector{} + unknown, b = Vector{} + unknown;
    const auto step = [&](Vector sum) { return sum * a + b; };
    sink.store(double(chained<Vector>(repeats * STEPS, step, std::make_index_sequence<CHAINS>{})[0]));
}

template <typename Vector, typename Scalar>
void fma_peak(const char* dtype, int threads) {
    const double operations = 2.0 * STEPS * CHAINS * (sizeof(Vector) / sizeof(Scalar)) * threads;
    print("fma", dtype, 0, threads, operations / best_seconds(threads, multiply_add<Vector, Scalar>), "FLOP/s");
}

#if defined(__AVX512BF16__)
void dot_bfloat16(int, long repeats) {
    volatile float unknown = 0.5f;
    const __m512 half = _mm512_set1_ps(unknown);
    const __m512bh a = _mm512_cvtne2ps_pbh(half, half);
    const auto step = [&](__m512 sum) { return _mm512_dpbf16_ps(sum, a, a); };
    sink.store(double(chained<__m512>(repeats * STEPS, step, std::make_index_sequence<CHAINS>{})[0]));
}
#endif

#if defined(__AMX_BF16__)
constexpr int ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18;

// The kernel gives tiles to a process that asks.
bool tiles_allowed() { return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0; }

struct alignas(64) TileShapes {
    unsigned char palette = 1, start_row = 0, reserved[14] = {};
    unsigned short bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    unsigned char rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

void tile_bfloat16(int, long repeats) {
    const TileShapes shapes;
    _tile_loadconfig(&shapes);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (long step = 0; step < repeats * STEPS; ++step) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    alignas(64) float out[16 * 16];
    _tile_stored(0, out, 64);
    sink.store(double(out[0]));
    _tile_release();
}
#endif

void bfloat16_peak(int threads) {
    double best = 0;
#if defined(__AVX512BF16__)
    // 32 products, each with its sum, per instruction.
    best = std::max(best, 64.0 * STEPS * CHAINS * threads / best_seconds(threads, dot_bfloat16));
#endif
#if defined(__AMX_BF16__)
    // Four products of a 16×32 by a 32×16 tile per step.
    if (tiles_allowed())
        best = std::max(best, 4 * 2.0 * 16 * 16 * 32 * STEPS * threads / best_seconds(threads, tile_bfloat16));
#endif
    if (best > 0) print("fma", "bfloat16", 0, threads, best, "FLOP/s");
    (void)threads;
}

// Which elements of so many are a thread's.
struct Part {
    Part(std::size_t count, int index, int threads) : begin(count * index / threads), end(count * (index + 1) / threads) {}
    const std::size_t begin, end;
};

// Memory of vectors, written by nobody yet: the thread that writes a page first has it near.
class Memory {
  public:
    explicit Memory(std::size_t bytes)
        : count(std::max<std::size_t>(1, bytes / sizeof(Floats))),
          data(static_cast<Floats*>(std::aligned_alloc(4096, (count * sizeof(Floats) + 4095) / 4096 * 4096))) {
        if (!data) std::abort();
    }
    ~Memory() { std::free(data); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    void fill(const Part& part) { std::fill(data + part.begin, data + part.end, Floats{} + 1.0f); }

    const std::size_t count;
    Floats* const data;
};

void read_peak(std::size_t bytes, int threads) {
    constexpr std::size_t STREAMS = 8;
    Memory memory(bytes);
    memory.fill(Part(memory.count, 0, 1));
    const Work work = [&](int index, long repeats) {
        const Part part(memory.count, index, threads);
        Floats sums[STREAMS] = {};
        for (long repeat = 0; repeat < repeats; ++repeat) {
            // What was read before may have changed, for all that the compiler knows.
            asm volatile("" ::: "memory");
            std::size_t i = part.begin;
            for (; i + STREAMS <= part.end; i += STREAMS)
                for (std::size_t k = 0; k < STREAMS; ++k) sums[k] += memory.data[i + k];
            for (; i < part.end; ++i) sums[0] += memory.data[i];
        }
        Floats total{};
        for (const Floats& sum : sums) total += sum;
        sink.store(double(total[0]));
    };
    const double read = double(memory.count * sizeof(Floats));
    print("read", "", bytes, threads, read / best_seconds(threads, work), "byte/s");
}

// a = b + s·c: two reads and a write per element, as STREAM counts them.
void triad_peak(std::size_t bytes, int threads) {
    Memory a(bytes / 3), b(bytes / 3), c(bytes / 3);
    for (Memory* memory : {&a, &b, &c}) memory->fill(Part(memory->count, 0, 1));
    const Work work = [&](int index, long repeats) {
        const Part part(a.count, index, threads);
        for (long repeat = 0; repeat < repeats; ++repeat) {
            asm volatile("" ::: "memory");
            for (std::size_t i = part.begin; i < part.end; ++i) a.data[i] = b.data[i] + 0.5f * c.data[i];
        }
        sink.store(double(a.data[part.begin][0]));
    };
    const double moved = 3.0 * a.count * sizeof(Floats);
    print("triad", "", bytes, threads, moved / best_seconds(threads, work), "byte/s");
}

int main(int count, char** arguments) {
    if (count < 4) {
        std::fprintf(stderr, "usage: %s THREADS CPU[,CPU...] DRAM_BYTES [READ_BYTES ...]\n", arguments[0]);
        return 2;
    }
    const int all = std::atoi(arguments[1]);
    for (char* text = arguments[2]; *text; text += *text == ',') cpus.push_back(int(std::strtol(text, &text, 10)));
    const std::size_t dram = std::strtoull(arguments[3], nullptr, 10);
    std::vector<int> counts{1};
    if (all > 1) counts.push_back(all);
    for (const int threads : counts) {
        fma_peak<Floats, float>("float32", threads);
        fma_peak<Doubles, double>("float64", threads);
        bfloat16_peak(threads);
        triad_peak(dram, threads);
        read_peak(dram, threads);
        for (int i = 4; i < count; ++i) read_peak(std::strtoull(arguments[i], nullptr, 10), threads);
    }
    return 0;
}
