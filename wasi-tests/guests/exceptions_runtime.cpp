// The part of the C++ runtime that throws and catches, for WebAssembly's exceptions: Debian's libc++abi for wasm32 is built
// without. Enough for one thread and for programs that do not ask about exceptions in flight.
//
// A throw carries the address of an `Exception`. The compiler's landing pads call `_Unwind_CallPersonality` with it, which
// reads in the function's table which clause is for it, and find the answer in `__wasm_lpad_context`.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <typeinfo>

#if __clang_major__ >= 20
// The tag of C++'s exceptions, which older compilers define in every object.
__asm__(".globl __cpp_exception\n.tagtype __cpp_exception i32\n__cpp_exception:\n");
#endif

namespace {

/// Stands before the object that is thrown.
struct Exception {
    const std::type_info *type;
    /// Destructors return their argument here.
    void *(*destroy)(void *);
    /// The object as the clause that catches it sees it: a base, or what a pointer points to.
    void *adjusted;
    /// Clauses it is in now. Negative: it was thrown again in one of them.
    int handlers;
    /// What was caught before it and is still in its clause.
    Exception *outer;

    void *object() { return this + 1; }
};
static_assert(sizeof(Exception) % 4 == 0);

/// What the innermost clause has caught.
Exception *caught = nullptr;

/// How libc++abi lays out its type information: the fifth virtual function says whether a clause of this type catches.
struct Type : std::type_info {
    ~Type() override;
    virtual void noop1() const;
    virtual void noop2() const;
    virtual bool can_catch(const Type *thrown, void *&adjusted) const = 0;
};

/// Reads the table of a function's clauses, which has the form of other systems' with call sites by number.
struct Reader {
    const std::uint8_t *at;

    std::uintptr_t uleb() {
        std::uintptr_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            std::uint8_t byte = *at++;
            value |= static_cast<std::uintptr_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
    }

    std::intptr_t sleb() {
        std::uintptr_t value = 0;
        for (unsigned shift = 0;;) {
            std::uint8_t byte = *at++;
            value |= static_cast<std::uintptr_t>(byte & 0x7f) << shift;
            shift += 7;
            if (byte < 0x80) {
                if ((byte & 0x40) && shift < 32) value |= ~std::uintptr_t(0) << shift;
                return static_cast<std::intptr_t>(value);
            }
        }
    }
};

constexpr std::uint8_t OMITTED = 0xff;

} // namespace

extern "C" {

/// What landing pads tell the runtime, and where they look for the answer.
struct LandingPad {
    std::uintptr_t index;
    const std::uint8_t *table;
    std::intptr_t selector;
};
thread_local LandingPad __wasm_lpad_context;

int _Unwind_CallPersonality(void *thrown) {
    auto *exception = static_cast<Exception *>(thrown);
    LandingPad &pad = __wasm_lpad_context;
    pad.selector = 0;
    if (!pad.table) return 0;
    Reader reader{pad.table};
    if (*reader.at++ != OMITTED) reader.uleb();
    const std::uint8_t *types = nullptr;
    if (*reader.at++ != OMITTED) {
        std::uintptr_t distance = reader.uleb();
        types = reader.at + distance;
    }
    reader.at++; // The call sites' encoding: always uleb128.
    std::uintptr_t length = reader.uleb();
    const std::uint8_t *actions = reader.at + length;
    std::uintptr_t action = 0;
    for (std::uintptr_t site = 0; site <= pad.index; site++) {
        reader.uleb();
        action = reader.uleb();
    }
    // Without an action it is a clean-up, which goes on by itself.
    if (action == 0) return 0;
    for (reader.at = actions + action - 1;;) {
        std::intptr_t filter = reader.sleb();
        const std::uint8_t *next = reader.at;
        std::intptr_t distance = reader.sleb();
        if (filter < 0) std::terminate();
        if (filter > 0) {
            const Type *type;
            std::memcpy(&type, types - filter * sizeof type, sizeof type);
            void *adjusted = exception->object();
            // Pointers are caught by value: what counts is where they point.
            if (!type || type->can_catch(static_cast<const Type *>(exception->type), adjusted)) {
                exception->adjusted = adjusted;
                pad.selector = filter;
                return 0;
            }
        }
        if (distance == 0) return 0;
        reader.at = next + distance;
    }
}

void *__cxa_allocate_exception(std::size_t size) noexcept {
    void *memory = std::calloc(1, sizeof(Exception) + size);
    if (!memory) std::terminate();
    return static_cast<Exception *>(memory) + 1;
}

void __cxa_free_exception(void *object) noexcept { std::free(static_cast<Exception *>(object) - 1); }

[[noreturn]] void __cxa_throw(void *object, std::type_info *type, void *(*destroy)(void *)) {
    Exception *exception = static_cast<Exception *>(object) - 1;
    exception->type = type;
    exception->destroy = destroy;
    exception->adjusted = object;
    __builtin_wasm_throw(0, exception);
}

void *__cxa_get_exception_ptr(void *thrown) noexcept { return static_cast<Exception *>(thrown)->adjusted; }

void *__cxa_begin_catch(void *thrown) noexcept {
    auto *exception = static_cast<Exception *>(thrown);
    exception->handlers = (exception->handlers < 0 ? -exception->handlers : exception->handlers) + 1;
    if (exception != caught) {
        exception->outer = caught;
        caught = exception;
    }
    return exception->adjusted;
}

void __cxa_end_catch() {
    Exception *exception = caught;
    if (!exception) return;
    if (exception->handlers < 0) {
        // Thrown again: somebody else ends it.
        if (++exception->handlers == 0) caught = exception->outer;
        return;
    }
    if (--exception->handlers == 0) {
        caught = exception->outer;
        if (exception->destroy) exception->destroy(exception->object());
        std::free(exception);
    }
}

[[noreturn]] void __cxa_rethrow() {
    Exception *exception = caught;
    if (!exception) std::terminate();
    exception->handlers = -exception->handlers;
    __builtin_wasm_throw(0, exception);
}

[[noreturn]] void __cxa_bad_cast() { throw std::bad_cast(); }

[[noreturn]] void __cxa_call_unexpected(void *) { std::terminate(); }

} // extern "C"
