# Every public header and every header of the kernels compiles alone, without a warning. (Those of src/ are the first
# that their .cpp includes.)
file(GLOB_RECURSE headers RELATIVE ${SOURCE} ${SOURCE}/include/*.hpp ${SOURCE}/kernels/*.hpp)
set(failed)
foreach(header IN LISTS headers)
  execute_process(
    COMMAND ${COMPILER} -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -fopenmp-simd
      -I${SOURCE} -I${SOURCE}/include -include ${SOURCE}/${header} -x c++ /dev/null
    RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(APPEND failed ${header})
  endif()
endforeach()
list(LENGTH headers count)
if(failed)
  message(FATAL_ERROR "These of ${count} headers do not compile alone: ${failed}")
endif()
message(STATUS "${count} headers compile alone")
