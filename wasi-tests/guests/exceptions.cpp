// Exceptions of C++ in all the ways compilers lower differently. What it prints is compared with the native program's.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

int depth = 0;

/// Says when it comes and goes.
struct Guard {
    const char *name;
    explicit Guard(const char *name) : name(name) {
        std::printf("%*s+%s\n", depth * 2, "", name);
        depth++;
    }
    ~Guard() {
        depth--;
        std::printf("%*s-%s\n", depth * 2, "", name);
    }
    Guard(const Guard &) = delete;
    Guard &operator=(const Guard &) = delete;
};

struct Base {
    virtual ~Base() = default;
    virtual const char *what() const { return "base"; }
};
struct Derived : Base {
    const char *what() const override { return "derived"; }
};
struct Left : virtual Base {
    int left = 1;
};
struct Right : virtual Base {
    int right = 2;
};
struct Both : Left, Right {
    const char *what() const override { return "both"; }
};

struct Counted {
    static int alive;
    int value;
    explicit Counted(int value) : value(value) { alive++; }
    Counted(const Counted &other) : value(other.value) { alive++; }
    ~Counted() { alive--; }
};
int Counted::alive = 0;

[[noreturn]] void throw_it(int kind) {
    Guard guard("throw_it");
    switch (kind) {
    case 0: throw 7;
    case 1: throw "text";
    case 2: throw std::string("string");
    case 3: throw Derived();
    case 4: throw Both();
    case 5: throw std::runtime_error("runtime");
    case 6: throw 2.5;
    case 7: throw static_cast<Base *>(nullptr);
    case 8: throw Counted(8);
    default: throw static_cast<unsigned long long>(kind);
    }
}

void catch_it(int kind) {
    Guard guard("catch_it");
    try {
        Guard inner("try");
        throw_it(kind);
    } catch (int value) {
        std::printf("int %d\n", value);
    } catch (const char *text) {
        std::printf("text %s\n", text);
    } catch (const std::string &text) {
        std::printf("string %s\n", text.c_str());
    } catch (const Derived &object) {
        std::printf("derived %s\n", object.what());
    } catch (const Right &object) {
        std::printf("right %d %s\n", object.right, object.what());
    } catch (const Base &object) {
        std::printf("base %s\n", object.what());
    } catch (const std::exception &error) {
        std::printf("exception %s\n", error.what());
    } catch (double value) {
        std::printf("double %g\n", value);
    } catch (const Base *pointer) {
        std::printf("pointer %d\n", pointer == nullptr);
    } catch (Counted counted) {
        std::printf("counted %d, %d alive\n", counted.value, Counted::alive);
    } catch (...) {
        std::printf("something\n");
    }
}

/// Catches, looks, and throws on, or throws another.
void between(int kind) {
    Guard guard("between");
    try {
        throw_it(kind);
    } catch (int) {
        Guard rethrow("rethrow");
        throw;
    } catch (const std::exception &error) {
        throw std::string("from ") + error.what();
    } catch (...) {
        try {
            throw 1;
        } catch (int value) {
            std::printf("inside %d\n", value);
        }
        throw;
    }
}

struct Part {
    Guard guard;
    explicit Part(const char *name, bool fails = false) : guard(name) {
        if (fails) throw std::logic_error("a part fails");
    }
};
/// Its second part fails: the first is destroyed, the third is never made.
struct Whole {
    Part one{"one"}, two{"two", true}, three{"three"};
};
struct WithFunctionTry {
    Part part;
    WithFunctionTry() try : part("part", true) {
    } catch (const std::logic_error &error) {
        std::printf("function try: %s\n", error.what());
    }
};

int recurse(int n) {
    Counted counted(n);
    if (n == 0) throw counted;
    int below = recurse(n - 1);
    return below + counted.value;
}

int loops(int rounds) {
    int sum = 0;
    for (int i = 0; i < rounds; i++) {
        for (int j = 0;; j++) {
            try {
                if (j % 3 == 2) continue;
                if (j == 7) break;
                if ((i ^ j) & 1) throw j;
                sum += 1;
            } catch (int value) {
                if (value > 4) break;
                sum += value * 10;
            }
        }
    }
    return sum;
}

int compare(const void *a, const void *b) {
    int x = *static_cast<const int *>(a), y = *static_cast<const int *>(b);
    if (x == 13 || y == 13) throw std::invalid_argument("thirteen");
    return x < y ? -1 : x > y;
}

using Action = void (*)(int);

} // namespace

int main() {
    for (int kind = 0; kind < 10; kind++) catch_it(kind);
    for (Action action : {Action(between), Action(throw_it)}) {
        for (int kind : {0, 5, 2, 9}) {
            try {
                action(kind);
            } catch (int value) {
                std::printf("outside: int %d\n", value);
            } catch (const std::string &text) {
                std::printf("outside: %s\n", text.c_str());
            } catch (...) {
                std::printf("outside: something\n");
            }
        }
    }
    try {
        Whole whole;
    } catch (const std::logic_error &error) {
        std::printf("whole: %s\n", error.what());
    }
    try {
        WithFunctionTry object;
    } catch (const std::logic_error &error) {
        std::printf("after function try: %s\n", error.what());
    }
    try {
        recurse(2000);
    } catch (const Counted &counted) {
        std::printf("recursion %d, %d alive\n", counted.value, Counted::alive);
    }
    std::printf("%d alive\n", Counted::alive);
    std::printf("loops %d\n", loops(1000));
    try {
        std::vector<int> numbers{1, 2, 3};
        std::printf("at %d\n", numbers.at(1));
        std::printf("at %d\n", numbers.at(3));
    } catch (const std::out_of_range &) {
        std::printf("out of range\n");
    }
    try {
        int numbers[] = {5, 13, 2, 8};
        std::qsort(numbers, 4, sizeof(int), compare);
    } catch (const std::invalid_argument &error) {
        std::printf("sorting: %s\n", error.what());
    }
    auto lambda = [](int n) -> std::unique_ptr<Guard> {
        auto guard = std::make_unique<Guard>("unique");
        if (n > 1) throw std::string("too many");
        return guard;
    };
    for (int n = 0; n < 3; n++) {
        try {
            lambda(n);
        } catch (const std::string &text) {
            std::printf("lambda: %s\n", text.c_str());
        }
    }
    try {
        Base base;
        dynamic_cast<Derived &>(base).what();
    } catch (const std::bad_cast &) {
        std::printf("bad cast\n");
    }
    std::printf("done\n");
}
