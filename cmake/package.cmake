# Debian packages, by `cpack --config build/release/CPackConfig.cmake`; tools/package-test builds and tries them.
# memtrack has all but the trainer; memtrack-trainer needs LibTorch.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own, the first line of its description
set(CPACK_PACKAGE_CONTACT "The memtrack authors <memtrack@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL memtrack memtrack-trainer)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)

set(CPACK_COMPONENT_MEMTRACK_DESCRIPTION "measures the memory of training runs from outside
How much memory does a training run take, when, and which hyperparameters
drive it? memtrack measures one command, or all trials of a sweep, and keeps
every sample in one SQLite file. The service memtrackd runs sweeps in the
background.")
set(CPACK_DEBIAN_MEMTRACK_PACKAGE_NAME memtrack)
set(CPACK_DEBIAN_MEMTRACK_PACKAGE_RECOMMENDS "memtrack-trainer (= ${PROJECT_VERSION}), gnuplot-nox, man-db")
set(CPACK_DEBIAN_MEMTRACK_PACKAGE_SUGGESTS sqlite3)
set(CPACK_DEBIAN_MEMTRACK_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/package/prerm
                                                ${PROJECT_SOURCE_DIR}/cmake/package/postinst
                                                ${PROJECT_SOURCE_DIR}/cmake/package/postrm)

set(CPACK_COMPONENT_MEMTRACK-TRAINER_DESCRIPTION "trains the networks that memtrack's sweeps name
Multilayer perceptrons and convolutional networks on MNIST, Fashion-MNIST,
CIFAR-10 and generated data, by LibTorch. memtrack starts it for sweeps that
name no program of their own.")
set(CPACK_DEBIAN_MEMTRACK-TRAINER_PACKAGE_NAME memtrack-trainer)
set(CPACK_DEBIAN_MEMTRACK-TRAINER_PACKAGE_DEPENDS "memtrack (= ${PROJECT_VERSION})")

# What Debian wants of a package beside its programs.
find_program(GZIP gzip REQUIRED)
set(changelog ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz)
execute_process(COMMAND ${GZIP} --best --no-name --stdout ${PROJECT_SOURCE_DIR}/cmake/package/changelog
                OUTPUT_FILE ${changelog} COMMAND_ERROR_IS_FATAL ANY)
foreach(package memtrack memtrack-trainer)
  install(FILES ${changelog} ${PROJECT_SOURCE_DIR}/cmake/package/copyright COMPONENT ${package}
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package})
endforeach()
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/memtrack FILES_MATCHING PATTERN *.md PATTERN *.svg)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/memtrack)
install(DIRECTORY sweeps/configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/memtrack/examples)
install(FILES cmake/package/memtrackd.conf DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/memtrack/examples)

include(CPack)
