// What we know of each dataset: the one place for names, shapes, counts and expected digests.

#include <array>

#include "datasets/catalog.h"

namespace memtrack {
namespace {

using namespace std::string_view_literals;

constexpr std::array kDigits = {"0"sv, "1"sv, "2"sv, "3"sv, "4"sv, "5"sv, "6"sv, "7"sv, "8"sv, "9"sv};
constexpr std::array kClothing = {"T-shirt/top"sv, "Trouser"sv, "Pullover"sv, "Dress"sv, "Coat"sv,
                                  "Sandal"sv,      "Shirt"sv,   "Sneaker"sv,  "Bag"sv,   "Ankle boot"sv};
constexpr std::array kObjects = {"airplane"sv, "automobile"sv, "bird"sv,  "cat"sv,  "deer"sv,
                                 "dog"sv,      "frog"sv,       "horse"sv, "ship"sv, "truck"sv};

constexpr ImageShape kGrey28 = {1, 28, 28};
constexpr ImageShape kColour32 = {3, 32, 32};

// The order is that of read_idx_dataset's files: images and labels for training, images and labels for testing.
constexpr std::array kMnistContents = {
    DatasetContent{"train-images-idx3-ubyte.gz", 47040016,
                   "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
    DatasetContent{"train-labels-idx1-ubyte.gz", 60008,
                   "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
    DatasetContent{"t10k-images-idx3-ubyte.gz", 7840016,
                   "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
    DatasetContent{"t10k-labels-idx1-ubyte.gz", 10008,
                   "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
};
constexpr std::array kFashionContents = {
    DatasetContent{"train-images-idx3-ubyte.gz", 47040016,
                   "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
    DatasetContent{"train-labels-idx1-ubyte.gz", 60008,
                   "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
    DatasetContent{"t10k-images-idx3-ubyte.gz", 7840016,
                   "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
    DatasetContent{"t10k-labels-idx1-ubyte.gz", 10008,
                   "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
};
// In the order of kCifarBatches.
constexpr std::array kCifarContents = {
    DatasetContent{"data_batch_1.bin", 30730000, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
    DatasetContent{"data_batch_2.bin", 30730000, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
    DatasetContent{"data_batch_3.bin", 30730000, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
    DatasetContent{"data_batch_4.bin", 30730000, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
    DatasetContent{"data_batch_5.bin", 30730000, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
    DatasetContent{"test_batch.bin", 30730000, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"},
};
// Training pixels, training labels, test pixels, test labels, one after the other.
constexpr std::array kGeneratedMnistContents = {
    DatasetContent{"generated", 7000 * 785, "4af4eba80addba595d5a38b09fa3a3c76833293e970eff7c9a32acda3e8d1f6c"},
};
constexpr std::array kGeneratedCifarContents = {
    DatasetContent{"generated", 6000 * 3073, "bcf8a18a8621c6b228d3268da9a980d8176807f1c48eb8007c7c49680d0196b3"},
};

constexpr std::array kMnistMirrors = {"https://ossci-datasets.s3.amazonaws.com/mnist"sv,
                                      "https://storage.googleapis.com/cvdf-datasets/mnist"sv,
                                      "http://yann.lecun.com/exdb/mnist"sv};
constexpr std::array kFashionMirrors = {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"sv,
                                        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"sv};
constexpr std::array kCifarMirrors = {"https://www.cs.toronto.edu/~kriz"sv};

constexpr std::array kCatalog = {
    DatasetDescription{"mnist", "MNIST: handwritten digits, grey", DatasetFormat::idx, kGrey28, 60000, 10000, kDigits,
                       kMnistContents, "http://yann.lecun.com/exdb/mnist/", kMnistMirrors},
    DatasetDescription{"fashion-mnist", "Fashion-MNIST: clothing, grey", DatasetFormat::idx, kGrey28, 60000, 10000,
                       kClothing, kFashionContents, "https://github.com/zalandoresearch/fashion-mnist",
                       kFashionMirrors},
    DatasetDescription{"cifar-10", "CIFAR-10: animals and vehicles, colour", DatasetFormat::cifar, kColour32, 50000,
                       10000, kObjects, kCifarContents, "https://www.cs.toronto.edu/~kriz/cifar.html", kCifarMirrors},
    DatasetDescription{"generated-mnist",
                       "Generated patterns in the shape of MNIST",
                       DatasetFormat::generated,
                       kGrey28,
                       6000,
                       1000,
                       kDigits,
                       kGeneratedMnistContents,
                       "",
                       {}},
    DatasetDescription{"generated-cifar-10",
                       "Generated patterns in the shape of CIFAR-10",
                       DatasetFormat::generated,
                       kColour32,
                       5000,
                       1000,
                       kDigits,
                       kGeneratedCifarContents,
                       "",
                       {}},
};

}  // namespace

std::span<const DatasetDescription> dataset_catalog() {
  return kCatalog;
}

}  // namespace memtrack
