# One library and thin mains a folder.

# What every target of ours is compiled and linked with.
add_library(memtrack_options INTERFACE)
target_include_directories(memtrack_options INTERFACE ${PROJECT_SOURCE_DIR})
# g++ 12 takes an optimised move of std::variant and std::optional for a read of memory that nobody wrote; the sanitizer
# build looks for real ones.
target_compile_options(memtrack_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
                                                  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
                                                  # g++ 12 takes the frame of an Asio coroutine for memory of new.
                                                  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
target_compile_definitions(memtrack_options INTERFACE MEMTRACK_VERSION="${PROJECT_VERSION}")
target_link_options(memtrack_options INTERFACE -Wl,--as-needed)
if(MEMTRACK_SANITIZE)
  # Whether an object is of its type is asked with a pipe, and told wrongly where tests use up all descriptors.
  target_compile_options(memtrack_options INTERFACE -fsanitize=${MEMTRACK_SANITIZE} -fno-sanitize-recover=all
                                                   -fno-sanitize=vptr -fno-omit-frame-pointer)
  # g++ says that it does not see the fences of Asio's handlers, which run in one thread.
  if(MEMTRACK_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(memtrack_options INTERFACE -Wno-tsan)
  endif()
  # clang 14 cannot put coroutines together with what -fsanitize=function adds to them.
  target_compile_options(memtrack_options INTERFACE $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  target_link_options(memtrack_options INTERFACE -fsanitize=${MEMTRACK_SANITIZE})
endif()

# memtrack_library(FOLDER SOURCES ... USES ...): the library memtrack_FOLDER.
function(memtrack_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
  add_library(memtrack_${folder} STATIC ${arg_SOURCES})
  target_link_libraries(memtrack_${folder} PUBLIC memtrack_options ${arg_USES})
endfunction()

# memtrack_program(NAME DIRECTORY SOURCES ... USES ...): a program that lands in DIRECTORY of the build tree and of the
# installed tree (bin or libexec/memtrack).
function(memtrack_program name directory)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES;USES")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE memtrack_options ${arg_USES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${directory})
  install(TARGETS ${name} RUNTIME DESTINATION ${directory})
endfunction()
