# The addon. The core's units come from tests/tools/sources.mjs; a file for one instruction set is a library of its own, because
# only that file may use those instructions. A test compares the flags below with that list.
{
  "target_defaults": {
    "include_dirs": ["csrc/include"],
    "cflags": ["-O3", "-ffp-contract=off", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections", "-fPIC",
               "-Wall", "-Wextra"],
    "cflags_c": ["-std=c11"],
    "cflags_cc": ["-std=c++17", "-fvisibility-inlines-hidden"],
    "cflags!": ["-O2"],
    "xcode_settings": {
      "OTHER_CFLAGS": ["-ffp-contract=off", "-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra"],
      "OTHER_CPLUSPLUSFLAGS": ["-ffp-contract=off", "-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra"],
      "GCC_OPTIMIZATION_LEVEL": "3",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "GCC_C_LANGUAGE_STANDARD": "c11",
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "MACOSX_DEPLOYMENT_TARGET": "11.0"
    },
    "msvs_settings": {
      "VCCLCompilerTool": {
        "AdditionalOptions": ["/fp:precise", "/experimental:c11atomics"],
        "ExceptionHandling": 1
      }
    },
    "conditions": [
      ["target_arch=='x64'", {
        "defines": ["DISKANN_HAVE_SSE42", "DISKANN_HAVE_AVX2", "DISKANN_HAVE_AVX512"]
      }],
      ["target_arch=='arm64'", {
        "defines": ["DISKANN_HAVE_ARM_CRC", "DISKANN_HAVE_ARM_DOT"]
      }]
    ]
  },
  "targets": [
    {
      "target_name": "diskann_core",
      "type": "static_library",
      "sources": ["<!@(node tests/tools/gyp-sources.mjs <(target_arch))"]
    },
    {
      "target_name": "diskann",
      "dependencies": ["diskann_core"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED"],
      "sources": [
        "node/addon.cc",
        "node/budget.cc",
        "node/drive.cc",
        "node/file_posix.cc",
        "node/file_win32.cc",
        "node/index.cc",
        "node/index_functions.cc",
        "node/job.cc",
        "node/job_functions.cc",
        "node/memory.cc",
        "node/outbox.cc",
        "node/page_asks.cc",
        "node/paged.cc",
        "node/paged_functions.cc",
        "node/paged_work.cc",
        "node/pool.cc",
        "node/pq.cc",
        "node/pq_functions.cc",
        "node/search.cc",
        "node/work.cc"
      ],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
      "cflags_cc": ["-fexceptions"],
      "xcode_settings": {
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "OTHER_LDFLAGS": ["-Wl,-dead_strip"]
      },
      "conditions": [
        ["OS=='linux'", {
          "ldflags": ["-Wl,--gc-sections", "-Wl,--exclude-libs,ALL", "-Wl,-z,relro", "-Wl,-z,now"]
        }],
        ["target_arch=='x64'", {
          "dependencies": ["diskann_crc32c_sse42", "diskann_avx2", "diskann_avx512", "diskann_avx2_vnni",
                           "diskann_avx512_vnni", "diskann_nearest_avx2", "diskann_nearest_avx512"]
        }],
        ["target_arch=='arm64'", {
          "dependencies": ["diskann_neon", "diskann_neon_dot", "diskann_crc32c_arm"]
        }]
      ]
    }
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "diskann_crc32c_sse42",
          "type": "static_library",
          "sources": ["csrc/simd/crc32c_sse42.c"],
          "cflags": ["-msse4.2"],
          "xcode_settings": { "OTHER_CFLAGS": ["-msse4.2"] }
        },
        {
          "target_name": "diskann_avx2",
          "type": "static_library",
          "sources": ["csrc/simd/avx2.c"],
          "cflags": ["-mavx2", "-mf16c"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx2", "-mf16c"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/arch:AVX2"] } }
        },
        {
          "target_name": "diskann_avx512",
          "type": "static_library",
          "sources": ["csrc/simd/avx512.c"],
          "cflags": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/arch:AVX512"] } }
        },
        {
          "target_name": "diskann_avx2_vnni",
          "type": "static_library",
          "sources": ["csrc/simd/avx2_vnni.c"],
          "cflags": ["-mavx2"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx2"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/arch:AVX2"] } }
        },
        {
          "target_name": "diskann_avx512_vnni",
          "type": "static_library",
          "sources": ["csrc/simd/avx512_vnni.c"],
          "cflags": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni"],
          "xcode_settings": {
            "OTHER_CFLAGS": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni"]
          },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/arch:AVX512"] } }
        },
        {
          "target_name": "diskann_nearest_avx2",
          "type": "static_library",
          "sources": ["csrc/simd/nearest_avx2.c"],
          "cflags": ["-mavx2"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx2"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/arch:AVX2"] } }
        },
        {
          "target_name": "diskann_nearest_avx512",
          "type": "static_library",
          "sources": ["csrc/simd/nearest_avx512.c"],
          "cflags": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"] },
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/arch:AVX512"] } }
        }
      ]
    }],
    ["target_arch=='arm64'", {
      "targets": [
        {
          "target_name": "diskann_neon",
          "type": "static_library",
          "sources": ["csrc/simd/neon.c"]
        },
        {
          "target_name": "diskann_neon_dot",
          "type": "static_library",
          "sources": ["csrc/simd/neon_dot.c"],
          "cflags": ["-march=armv8.2-a+dotprod"],
          "xcode_settings": { "OTHER_CFLAGS": ["-march=armv8.2-a+dotprod"] }
        },
        {
          "target_name": "diskann_crc32c_arm",
          "type": "static_library",
          "sources": ["csrc/simd/crc32c_arm.c"],
          "cflags": ["-march=armv8-a+crc"],
          "xcode_settings": { "OTHER_CFLAGS": ["-march=armv8-a+crc"] }
        }
      ]
    }]
  ]
}
